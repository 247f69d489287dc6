//! Whether an answer is what a scenario expects. The language of matchers is explained in `README.md`.

use serde_json::Value;

/// Every difference between `expected` and `actual`; none where they match.
pub(crate) fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, actual, &mut found);
    found
}

fn compare(path: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    let fits = match (expected, actual) {
        (Value::Object(fields), Value::Array(items)) => {
            return compare_list(path, fields, items, found);
        }
        (Value::Object(fields), Value::Object(there)) => {
            for (name, field) in fields {
                let value = there.get(name).unwrap_or(&Value::Null);
                compare(&format!("{path}.{name}"), field, value, found);
            }
            return;
        }
        (Value::Array(items), Value::Array(there)) if items.len() == there.len() => {
            for (index, (item, there)) in items.iter().zip(there).enumerate() {
                compare(&format!("{path}[{index}]"), item, there, found);
            }
            return;
        }
        (Value::String(text), _) => text_fits(text, actual),
        _ => {
            number_of(expected).is_some_and(|number| number_of(actual) == Some(number))
                || expected == actual
        }
    };
    if !fits {
        let path = if path.is_empty() {
            "it"
        } else {
            path.trim_start_matches('.')
        };
        found.push(format!("{path} should be {expected}, is {actual}"));
    }
}

/// What is asked of a list: `len`, `each`, `some`, and `times` with `some`.
fn compare_list(
    path: &str,
    fields: &serde_json::Map<String, Value>,
    items: &[Value],
    found: &mut Vec<String>,
) {
    for (name, field) in fields {
        match name.as_str() {
            "len" => compare(&format!("{path}.len"), field, &items.len().into(), found),
            "each" => {
                for (index, item) in items.iter().enumerate() {
                    compare(&format!("{path}[{index}]"), field, item, found);
                }
            }
            "some" => {
                let count = items
                    .iter()
                    .filter(|item| differences(field, item).is_empty())
                    .count();
                let times = fields
                    .get("times")
                    .cloned()
                    .unwrap_or_else(|| ">= 1".into());
                compare(
                    &format!("{path}: how many are {field}"),
                    &times,
                    &count.into(),
                    found,
                );
            }
            "times" => {}
            other => found.push(format!("{path}: {other:?} cannot be asked of a list")),
        }
    }
}

fn text_fits(expected: &str, actual: &Value) -> bool {
    match expected {
        "?any" => return true,
        "?null" => return actual.is_null(),
        "?number" => return actual.is_number(),
        "?text" => return actual.as_str().is_some_and(|text| !text.is_empty()),
        _ => {}
    }
    if let Some((operator, operand)) = expected.split_once(' ') {
        let numbers = operand.parse::<f64>().ok().zip(number_of(actual));
        let text = actual.as_str();
        match operator {
            ">" => return numbers.is_some_and(|(limit, number)| number > limit),
            ">=" => return numbers.is_some_and(|(limit, number)| number >= limit),
            "<" => return numbers.is_some_and(|(limit, number)| number < limit),
            "<=" => return numbers.is_some_and(|(limit, number)| number <= limit),
            "~" => return text.is_some_and(|text| text.contains(operand)),
            "!~" => return text.is_some_and(|text| !text.contains(operand)),
            "|" => return text.is_some_and(|text| operand.split(' ').any(|word| word == text)),
            _ => {}
        }
    }
    actual.as_str() == Some(expected)
}

/// Exact for all numbers that scenarios compare: fencing tokens stay below 2^53.
fn number_of(value: &Value) -> Option<f64> {
    value.as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fits(expected: Value, actual: Value) -> bool {
        differences(&expected, &actual).is_empty()
    }

    #[test]
    fn fields_that_are_not_named_do_not_matter() {
        assert!(fits(json!({ "a": 1 }), json!({ "a": 1, "b": 2 })));
        assert!(!fits(json!({ "a": 1 }), json!({ "b": 1 })));
        assert!(fits(json!({ "a": "?null" }), json!({})));
        assert!(!fits(json!({ "a": 1 }), json!("a")));
    }

    #[test]
    fn numbers_are_compared_and_texts_searched() {
        assert!(fits(json!("> 5"), json!(6)) && !fits(json!("> 5"), json!(5)));
        assert!(fits(
            json!("<= 1795000000000001"),
            json!(1_795_000_000_000_001_u64)
        ));
        assert!(!fits(
            json!("< 1795000000000001"),
            json!(1_795_000_000_000_001_u64)
        ));
        assert!(!fits(json!("> 5"), json!("6")) && !fits(json!("> 5"), Value::Null));
        assert!(fits(json!("~ /rust/"), json!("host/1/rust/x")));
        assert!(fits(json!("| a b"), json!("b")) && !fits(json!("| a b"), json!("a b")));
        assert!(
            fits(json!("~x"), json!("~x")),
            "without a space it is itself"
        );
        assert!(!fits(json!("?number"), json!("1")) && fits(json!("?any"), Value::Null));
    }

    #[test]
    fn lists_are_asked_as_a_whole() {
        let list = json!([{ "f": 1 }, { "f": 2 }, { "f": 1 }]);
        assert!(fits(
            json!({ "len": 3, "each": { "f": "> 0" } }),
            list.clone()
        ));
        assert!(fits(
            json!({ "some": { "f": 1 }, "times": 2 }),
            list.clone()
        ));
        assert!(!fits(
            json!({ "some": { "f": 1 }, "times": 1 }),
            list.clone()
        ));
        assert!(!fits(json!({ "some": { "f": 3 } }), list.clone()));
        assert!(!fits(json!({ "lenght": 3 }), list));
        assert!(!fits(json!([1]), json!([1, 2])));
    }
}
