//! What a server answers, in RESP2 or RESP3.

use std::io::{self, BufRead, Read};

/// One reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// `+OK`
    Simple(String),
    /// `-ERR …`, with its code
    Error(String),
    /// `:1`
    Int(i64),
    /// `$3`, a verbatim string, or the null of RESP2
    Bulk(Option<Vec<u8>>),
    /// `*2` or a set
    Array(Vec<Reply>),
    /// `%1`
    Map(Vec<(Reply, Reply)>),
    /// `>2`: not an answer to any command
    Push(Vec<Reply>),
    /// `,1.5`
    Double(f64),
    /// `#t`
    Bool(bool),
    /// `_`, or the null array of RESP2
    Null,
}

impl Reply {
    /// A bulk string.
    pub fn bulk(bytes: impl Into<Vec<u8>>) -> Reply {
        Reply::Bulk(Some(bytes.into()))
    }

    /// Whether it is `+OK`.
    pub fn is_ok(&self) -> bool {
        matches!(self, Reply::Simple(text) if text == "OK")
    }

    /// Whether it is null, in either protocol.
    pub fn is_nil(&self) -> bool {
        matches!(self, Reply::Bulk(None) | Reply::Null)
    }

    /// The number, of an integer reply.
    pub fn int(&self) -> Option<i64> {
        match self {
            Reply::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The text of a simple or bulk string; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> Option<String> {
        match self {
            Reply::Simple(text) => Some(text.clone()),
            Reply::Bulk(Some(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// The message of an error reply, with its code.
    pub fn error(&self) -> Option<&str> {
        match self {
            Reply::Error(message) => Some(message),
            _ => None,
        }
    }

    /// The items of an array or push, empty for everything else.
    pub fn items(&self) -> &[Reply] {
        match self {
            Reply::Array(items) | Reply::Push(items) => items,
            _ => &[],
        }
    }

    /// Reads one reply, and not a byte more than the reader's buffer takes.
    pub fn read(from: &mut impl BufRead) -> io::Result<Reply> {
        let line = read_line(from)?;
        let (kind, rest) = line
            .split_at_checked(1)
            .ok_or_else(|| garbage("an empty line"))?;
        Ok(match kind {
            "+" => Reply::Simple(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            // A big number that does not fit is of no use to a test.
            ":" | "(" => Reply::Int(number(rest)?),
            "$" | "=" | "!" => match number(rest)? {
                -1 => Reply::Bulk(None),
                length => {
                    let bytes = read_bytes(from, length)?;
                    match kind {
                        "!" => Reply::Error(String::from_utf8_lossy(&bytes).into_owned()),
                        // `txt:` before the text.
                        "=" => Reply::bulk(bytes.get(4..).unwrap_or_default()),
                        _ => Reply::Bulk(Some(bytes)),
                    }
                }
            },
            "*" | "~" => match number(rest)? {
                -1 => Reply::Null,
                length => Reply::Array(read_items(from, length)?),
            },
            ">" => Reply::Push(read_items(from, number(rest)?)?),
            "%" => {
                let mut pairs = Vec::new();
                for _ in 0..number(rest)? {
                    pairs.push((Reply::read(from)?, Reply::read(from)?));
                }
                Reply::Map(pairs)
            }
            "," => Reply::Double(rest.parse().map_err(|_| garbage(rest))?),
            "#" => Reply::Bool(rest == "t"),
            "_" => Reply::Null,
            _ => return Err(garbage(&line)),
        })
    }
}

/// A command as a client writes it: an array of bulk strings.
pub(crate) fn encode_command(args: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn read_items(from: &mut impl BufRead, length: i64) -> io::Result<Vec<Reply>> {
    (0..length).map(|_| Reply::read(from)).collect()
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\r\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.len() - 2);
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn read_bytes(from: &mut impl BufRead, length: i64) -> io::Result<Vec<u8>> {
    let length = u64::try_from(length).map_err(|_| garbage("a negative length"))?;
    let mut bytes = Vec::new();
    // Grows with what arrives, not with what is announced.
    from.take(length.saturating_add(2))
        .read_to_end(&mut bytes)?;
    if !bytes.ends_with(b"\r\n") || bytes.len() as u64 != length + 2 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    bytes.truncate(bytes.len() - 2);
    Ok(bytes)
}

fn number(text: &str) -> io::Result<i64> {
    text.parse().map_err(|_| garbage(text))
}

fn garbage(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not RESP: {what:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str) -> io::Result<Reply> {
        Reply::read(&mut bytes.as_bytes())
    }

    #[test]
    fn reads_both_protocols() {
        let cases = [
            ("+OK\r\n", Reply::Simple("OK".into())),
            ("-ERR no\r\n", Reply::Error("ERR no".into())),
            (":-2\r\n", Reply::Int(-2)),
            ("$4\r\na\r\nb\r\n", Reply::bulk("a\r\nb")),
            ("$-1\r\n", Reply::Bulk(None)),
            ("*-1\r\n", Reply::Null),
            (
                "*2\r\n:1\r\n$0\r\n\r\n",
                Reply::Array(vec![Reply::Int(1), Reply::bulk("")]),
            ),
            (
                "%1\r\n+proto\r\n:3\r\n",
                Reply::Map(vec![(Reply::Simple("proto".into()), Reply::Int(3))]),
            ),
            (
                ">1\r\n+hi\r\n",
                Reply::Push(vec![Reply::Simple("hi".into())]),
            ),
            (",1.5\r\n", Reply::Double(1.5)),
            ("#t\r\n", Reply::Bool(true)),
            ("_\r\n", Reply::Null),
            ("=6\r\ntxt:ab\r\n", Reply::bulk("ab")),
            ("!5\r\nERR x\r\n", Reply::Error("ERR x".into())),
        ];
        for (bytes, reply) in cases {
            assert_eq!(read(bytes).expect(bytes), reply);
        }
    }

    #[test]
    fn refuses_what_is_cut_short_or_nonsense() {
        for bytes in [
            "",
            "+OK",
            "$5\r\nab\r\n",
            "$x\r\n",
            "hello\r\n",
            "*2\r\n:1\r\n",
            "\r\n",
            "$-7\r\n",
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_written_command_reads_back() {
        let bytes = encode_command(&["SET", "key", ""]);
        let read = Reply::read(&mut bytes.as_slice()).expect("own encoding");
        assert_eq!(
            read,
            Reply::Array(vec![
                Reply::bulk("SET"),
                Reply::bulk("key"),
                Reply::bulk("")
            ])
        );
    }
}
