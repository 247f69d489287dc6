//! How a lying server introduces itself.

/// What the answer to `HELLO` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// `redis` or `valkey`.
    pub server: String,
    /// Such as `7.2.4`. (A Valkey gives its own version here.)
    pub version: String,
    /// `standalone`, `sentinel` or `cluster`.
    pub mode: String,
    /// `master` or `replica`.
    pub role: String,
}

impl Default for Hello {
    fn default() -> Hello {
        Hello {
            server: "redis".to_owned(),
            version: "7.2.4".to_owned(),
            mode: "standalone".to_owned(),
            role: "master".to_owned(),
        }
    }
}

impl Hello {
    /// The reply to `HELLO 3`, a map, or to `HELLO` and `HELLO 2`, the same as a flat array.
    pub(super) fn reply(&self, command: &[Vec<u8>], connection: usize) -> Vec<u8> {
        let resp3 = command.get(1).is_some_and(|protocol| protocol == b"3");
        let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
        let mut reply = if resp3 {
            "%7\r\n".to_owned()
        } else {
            "*14\r\n".to_owned()
        };
        let texts = [
            ("server", &self.server),
            ("version", &self.version),
            ("mode", &self.mode),
            ("role", &self.role),
        ];
        for (name, value) in texts {
            reply += &bulk(name);
            reply += &bulk(value);
        }
        reply += &bulk("proto");
        reply += if resp3 { ":3\r\n" } else { ":2\r\n" };
        reply += &bulk("id");
        reply += &format!(":{}\r\n", connection + 1);
        reply += &bulk("modules");
        reply += "*0\r\n";
        reply.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reply;

    #[test]
    fn says_the_same_in_both_protocols() {
        let hello = Hello::default();
        let of = |protocol: &[u8]| {
            let bytes = hello.reply(&[b"HELLO".to_vec(), protocol.to_vec()], 4);
            let mut rest = bytes.as_slice();
            let reply = Reply::read(&mut rest).expect("valid");
            assert!(rest.is_empty());
            reply
        };
        let Reply::Map(pairs) = of(b"3") else {
            panic!("no map")
        };
        assert!(pairs.contains(&(Reply::bulk("proto"), Reply::Int(3))));
        assert!(pairs.contains(&(Reply::bulk("id"), Reply::Int(5))));
        assert_eq!(of(b"2").items().len(), 2 * pairs.len());
    }
}
