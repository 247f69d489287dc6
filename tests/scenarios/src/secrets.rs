//! Nothing that a driver says may hold a secret: an owner's token, or a password of the run.

use serde_json::Value;

/// Digits in an owner token.
const DIGITS: usize = 40;

/// Lines of a transcript that hold one of these passwords or something like an owner token, outside of where
/// a ticket is handed out or taken.
pub(crate) fn leaks(lines: &[String], passwords: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for line in lines {
        // Requests come from us.
        if line.contains(" <- ") {
            continue;
        }
        let said = without_tickets(line);
        if passwords.iter().any(|password| said.contains(password)) {
            found.push(format!("a password: {line}"));
        }
        if has_token(&said) {
            found.push(format!("an owner token: {line}"));
        }
    }
    found
}

/// The reply to `detach` is the one place where a token may stand.
fn without_tickets(line: &str) -> String {
    let Some((before, reply)) = line.split_once(" -> ") else {
        return line.to_owned();
    };
    match serde_json::from_str::<Value>(reply) {
        Ok(mut reply) => {
            if let Some(answer) = reply.get_mut("ok").and_then(Value::as_object_mut) {
                answer.remove("ticket");
            }
            format!("{before} -> {reply}")
        }
        Err(_) => line.to_owned(),
    }
}

/// Forty hexadecimal digits or more in a row.
fn has_token(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_hexdigit())
        .any(|run| run.len() >= DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_passwords_and_tokens_but_spares_tickets() {
        let token = "0123456789abcdef0123456789abcdef01234567";
        let lines = [
            format!("0.1  a -> {{\"id\":1,\"ok\":{{\"ticket\":\"qlt1:{token}\"}}}}"),
            format!("0.2  a <- {{\"id\":2,\"ticket\":\"{token}\"}}"),
            format!("0.3  a -> {{\"id\":2,\"error\":{{\"message\":\"no {token}\"}}}}"),
            format!("0.4  a ! q1%2E{token}%2Ehost"),
            "0.5  a ! cannot log in with canary".to_owned(),
            "0.6  a -> {\"id\":3,\"ok\":1795000000000000}".to_owned(),
        ];
        let found = leaks(&lines, &["canary"]);
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(
            found[0].starts_with("an owner token: 0.3") && found[2].starts_with("a password: 0.5")
        );
    }
}
