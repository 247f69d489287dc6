//! What a run knows by name: `$ticket`, `$holder.language`, `$node0`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

/// Values by name.
#[derive(Debug, Default)]
pub(crate) struct Variables(Mutex<HashMap<String, Value>>);

impl Variables {
    pub(crate) fn set(&self, name: impl Into<String>, value: Value) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.into(), value);
    }

    fn get(&self, name: &str) -> Result<Value, String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(name)
            .cloned()
            .ok_or_else(|| format!("${name} is not known"))
    }

    /// `value` with every name in it replaced. A text that is nothing but a name becomes the value itself.
    pub(crate) fn fill_in(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix('$') {
                Some(name) if is_name(name) => self.get(name)?,
                _ => self.fill_in_text(text)?.into(),
            },
            Value::Array(items) => items
                .iter()
                .map(|item| self.fill_in(item))
                .collect::<Result<_, _>>()?,
            Value::Object(fields) => self.fill_in_fields(fields)?.into(),
            other => other.clone(),
        })
    }

    /// The same for the fields of an object.
    pub(crate) fn fill_in_fields(
        &self,
        fields: &Map<String, Value>,
    ) -> Result<Map<String, Value>, String> {
        fields
            .iter()
            .map(|(name, field)| Ok((name.clone(), self.fill_in(field)?)))
            .collect()
    }

    fn fill_in_text(&self, text: &str) -> Result<String, String> {
        let mut parts = text.split('$');
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c| !is_name_char(c)).unwrap_or(part.len());
            let name = part[..end].trim_end_matches('.');
            match self.get(name)? {
                Value::String(value) => filled += &value,
                value => filled += &value.to_string(),
            }
            filled += &part[name.len()..];
        }
        Ok(filled)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_char)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_become_values_and_parts_of_texts() {
        let known = Variables::default();
        known.set("a", json!(7));
        known.set("b.language", json!("rust"));
        let filled = known
            .fill_in(&json!({ "x": "$a", "y": ["> $a", "~ /$b.language/"], "z": 1 }))
            .expect("known");
        assert_eq!(filled, json!({ "x": 7, "y": ["> 7", "~ /rust/"], "z": 1 }));
        assert_eq!(
            known.fill_in(&json!("$c")).expect_err("unknown"),
            "$c is not known"
        );
        assert!(known.fill_in(&json!("> $c")).is_err());
    }
}
