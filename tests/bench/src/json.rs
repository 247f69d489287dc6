//! Just enough JSON to write figures down.

/// A string, quoted.
pub(crate) fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A number to a thousandth; JSON has no infinities.
pub(crate) fn number(value: f64) -> String {
    if value.is_finite() {
        ((value * 1e3).round() / 1e3).to_string()
    } else {
        "null".to_owned()
    }
}

/// An object on one line.
pub(crate) fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}: {value}", string(name)))
        .collect();
    format!("{{{}}}", fields.join(", "))
}

/// An array with one item per line, so that a change of one figure is a change of one line.
pub(crate) fn lines(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    format!("[\n{}\n]", items.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json() {
        assert_eq!(string("a\"b\\\n"), r#""a\"b\\\u000a""#);
        assert_eq!(number(1.23456), "1.235");
        assert_eq!(number(f64::INFINITY), "null");
        assert_eq!(object(&[("a", number(2.0))]), r#"{"a": 2}"#);
    }
}
