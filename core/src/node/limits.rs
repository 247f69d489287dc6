//! Bounds on what a server may send, checked before the client library sees a byte.
//!
//! The library's parser reserves memory by the lengths a reply announces and recurses into nested
//! ones; a hostile or broken server must get neither.

use std::fmt;

/// The longest bulk string.
const BULK_BYTES_MAX: usize = 256 * 1024;
/// The longest line, such as a status or an error.
const LINE_BYTES_MAX: usize = 16 * 1024;
/// The most bytes of one reply with all that is in it.
const REPLY_BYTES_MAX: usize = 512 * 1024;
/// The most elements that one reply may announce in all its lists together.
const ELEMENTS_MAX: usize = 16 * 1024;
/// The deepest nesting of lists.
const DEPTH_MAX: usize = 8;

/// How a server broke the bounds; never holds what it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Violation(&'static str);

impl Violation {
    /// More replies than commands.
    pub(super) const UNASKED: Violation = Violation("a reply nobody asked for");
    /// What the parser cannot read though its shape is that of a reply.
    pub(super) const UNREADABLE: Violation = Violation("an unreadable reply");
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Violation {}

/// Follows the shape of a stream of RESP replies, however it is cut into pieces.
#[derive(Debug)]
pub(super) struct Scanner {
    state: State,
    /// What every open list still waits for; the first `depth` count.
    missing: [usize; DEPTH_MAX],
    depth: usize,
    bytes: usize,
    elements: usize,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// A value begins.
    Start,
    /// A length that ends with a line break.
    Length {
        kind: u8,
        value: usize,
        digits: usize,
        negative: bool,
        cr: bool,
    },
    /// A value that is one line.
    Line { bytes: usize, cr: bool },
    /// The bytes of a bulk string.
    Bulk { left: usize },
    /// The line break behind them.
    BulkEnd { cr: bool },
}

impl Scanner {
    pub(super) fn new() -> Self {
        let missing = [0; DEPTH_MAX];
        Scanner {
            state: State::Start,
            missing,
            depth: 0,
            bytes: 0,
            elements: 0,
        }
    }

    /// Takes the next bytes; tells how many replies and pushes ended in them. After a violation the
    /// stream is lost.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<usize, Violation> {
        let mut replies = 0;
        while let Some((&byte, rest)) = bytes.split_first() {
            if let State::Bulk { left } = self.state {
                let taken = left.min(bytes.len());
                self.count_bytes(taken)?;
                let left = left - taken;
                self.state = if left == 0 {
                    State::BulkEnd { cr: false }
                } else {
                    State::Bulk { left }
                };
                bytes = &bytes[taken..];
                continue;
            }
            self.count_bytes(1)?;
            bytes = rest;
            if self.step(byte)? && self.end_value() {
                replies += 1;
                *self = Scanner::new();
            }
        }
        Ok(replies)
    }

    fn count_bytes(&mut self, more: usize) -> Result<(), Violation> {
        self.bytes += more;
        if self.bytes > REPLY_BYTES_MAX {
            Err(Violation("reply too large"))
        } else {
            Ok(())
        }
    }

    /// One byte; true where a value that holds no others ended with it.
    fn step(&mut self, byte: u8) -> Result<bool, Violation> {
        match &mut self.state {
            State::Start => self.begin(byte).map(|()| false),
            State::Length {
                cr: true,
                kind,
                value,
                digits,
                negative,
            } => {
                if byte != b'\n' || *digits == 0 {
                    return Err(Violation("malformed length"));
                }
                let (kind, value, negative) = (*kind, *value, *negative);
                self.length(kind, value, negative)
            }
            State::Length {
                value,
                digits,
                negative,
                cr,
                ..
            } => {
                match byte {
                    b'\r' => *cr = true,
                    b'-' if *digits == 0 && !*negative => *negative = true,
                    // Eight digits are past every bound and far from an overflow.
                    b'0'..=b'9' if *digits < 8 => {
                        *value = *value * 10 + usize::from(byte - b'0');
                        *digits += 1;
                    }
                    _ => return Err(Violation("malformed length")),
                }
                Ok(false)
            }
            State::Line { bytes, cr } => {
                if *cr && byte == b'\n' {
                    return Ok(true);
                }
                *cr = byte == b'\r';
                *bytes += 1;
                if *bytes > LINE_BYTES_MAX {
                    Err(Violation("line too long"))
                } else {
                    Ok(false)
                }
            }
            State::BulkEnd { cr } => match (*cr, byte) {
                (false, b'\r') => {
                    *cr = true;
                    Ok(false)
                }
                (true, b'\n') => Ok(true),
                _ => Err(Violation("bulk string without its end")),
            },
            State::Bulk { .. } => Err(Violation("unreachable state")),
        }
    }

    fn begin(&mut self, kind: u8) -> Result<(), Violation> {
        self.state = match kind {
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => State::Line {
                bytes: 0,
                cr: false,
            },
            b'$' | b'=' | b'!' | b'*' | b'%' | b'~' | b'|' | b'>' => State::Length {
                kind,
                value: 0,
                digits: 0,
                negative: false,
                cr: false,
            },
            _ => return Err(Violation("unknown type of reply")),
        };
        if kind == b'>' && self.bytes > 1 {
            return Err(Violation("push inside a reply"));
        }
        Ok(())
    }

    /// A length is complete; true where it was a value of its own.
    fn length(&mut self, kind: u8, value: usize, negative: bool) -> Result<bool, Violation> {
        if negative {
            // RESP2 writes "nothing" so; every other negative length is nonsense.
            let nothing = value == 1 && matches!(kind, b'$' | b'*');
            return if nothing {
                Ok(true)
            } else {
                Err(Violation("negative length"))
            };
        }
        if matches!(kind, b'$' | b'=' | b'!') {
            if value > BULK_BYTES_MAX || self.bytes + value > REPLY_BYTES_MAX {
                return Err(Violation("bulk string too long"));
            }
            self.state = if value == 0 {
                State::BulkEnd { cr: false }
            } else {
                State::Bulk { left: value }
            };
            return Ok(false);
        }
        let elements = match kind {
            b'%' => value * 2,
            // An attribute stands before the value it belongs to.
            b'|' => value * 2 + 1,
            b'>' if value == 0 => return Err(Violation("empty push")),
            _ => value,
        };
        self.elements += elements;
        if self.elements > ELEMENTS_MAX {
            return Err(Violation("too many elements"));
        }
        if elements == 0 {
            return Ok(true);
        }
        if self.depth == DEPTH_MAX {
            return Err(Violation("nested too deep"));
        }
        self.missing[self.depth] = elements;
        self.depth += 1;
        self.state = State::Start;
        Ok(false)
    }

    /// A value ended, and with it perhaps the lists it was the last of; true at the reply's end.
    fn end_value(&mut self) -> bool {
        self.state = State::Start;
        while let Some(level) = self.depth.checked_sub(1) {
            self.missing[level] -= 1;
            if self.missing[level] > 0 {
                return false;
            }
            self.depth = level;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(bytes: &[u8]) -> Result<usize, Violation> {
        Scanner::new().feed(bytes)
    }

    #[test]
    fn every_type_is_followed_whole_and_byte_by_byte() {
        let cases: &[(&[u8], usize)] = &[
            (b"+OK\r\n", 1),
            (b"-ERR no\r\n:12\r\n$5\r\nhe\r\nl\r\n", 3),
            (b"$-1\r\n*-1\r\n_\r\n", 3),
            (b"$0\r\n\r\n*0\r\n%0\r\n~0\r\n", 4),
            (b"*2\r\n*1\r\n:1\r\n%1\r\n+a\r\n*0\r\n+next\r\n", 2),
            (b"%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n,1.5\r\n", 1),
            (b"#t\r\n(123\r\n=7\r\ntxt:abc\r\n!3\r\nERR\r\n", 4),
            (b">3\r\n$7\r\nmessage\r\n+c\r\n+p\r\n:1\r\n", 2),
            (b"|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n", 2),
            (b"+a\rb\r\r\n", 1),
            (b"*3\r\n:1\r\n", 0),
        ];
        for (bytes, replies) in cases {
            assert_eq!(scan(bytes), Ok(*replies), "{bytes:?}");
            let mut scanner = Scanner::new();
            let mut count = 0;
            for byte in *bytes {
                count += scanner.feed(&[*byte]).expect("valid");
            }
            assert_eq!(count, *replies, "{bytes:?}");
        }
    }

    #[test]
    fn nonsense_is_refused_before_it_is_read() {
        let deep = b"*1\r\n".repeat(DEPTH_MAX + 1);
        let wide = format!("*{}\r\n", ELEMENTS_MAX + 1);
        let sum = format!(
            "*2\r\n*{0}\r\n{1}*{0}\r\n",
            ELEMENTS_MAX / 2,
            ":1\r\n".repeat(ELEMENTS_MAX / 2)
        );
        let map = format!("%{}\r\n", ELEMENTS_MAX / 2 + 1);
        let bulk = format!("${}\r\n", BULK_BYTES_MAX + 1);
        let line = vec![b'+'; LINE_BYTES_MAX + 2];
        let cases: &[&[u8]] = &[
            b"HTTP/1.1 400\r\n",
            b"\r\n",
            b"\0",
            b"$-2\r\n",
            b"*-9\r\n",
            b"%-1\r\n",
            b">-1\r\n",
            b">0\r\n",
            b"$99999999999999999999\r\n",
            b"*999999999\r\n",
            b"$ 5\r\n",
            b"$+5\r\n",
            b"$--1\r\n",
            b"$\r\n",
            b"$-\r\n",
            b"$5\n",
            b"$5\rx",
            b"$?\r\n",
            b"$2\r\nabcd",
            b"$2\r\nab\rx",
            b"*1\r\n>1\r\n",
            b"=-1\r\n",
            &deep,
            wide.as_bytes(),
            sum.as_bytes(),
            map.as_bytes(),
            bulk.as_bytes(),
            &line,
        ];
        for bytes in cases {
            assert!(
                scan(bytes).is_err(),
                "{:?}",
                String::from_utf8_lossy(&bytes[..bytes.len().min(40)])
            );
        }
    }

    #[test]
    fn bounds_themselves_are_allowed() {
        let mut bulk = format!("${BULK_BYTES_MAX}\r\n").into_bytes();
        bulk.resize(bulk.len() + BULK_BYTES_MAX, b'x');
        bulk.extend(b"\r\n");
        assert_eq!(scan(&bulk), Ok(1));
        assert_eq!(
            scan(format!("*{ELEMENTS_MAX}\r\n{}", ":1\r\n".repeat(ELEMENTS_MAX)).as_bytes()),
            Ok(1)
        );
        let nested = [b"*1\r\n".repeat(DEPTH_MAX), b":1\r\n".to_vec()].concat();
        assert_eq!(scan(&nested), Ok(1));
        let mut three = b"*3\r\n".to_vec();
        for _ in 0..3 {
            three.extend(&bulk);
        }
        assert!(scan(&three).is_err(), "the sum is bounded too");
    }

    #[test]
    fn random_bytes_never_panic_and_pieces_make_no_difference() {
        // A small generator of its own (xorshift): the same input in every run.
        let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
        let mut random = move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        let alphabet = b"+-:$*%~>|=!_#,(0123456789\r\n\r\n\r\nab";
        for _ in 0..20_000 {
            let length = (random() % 60) as usize;
            let letter = |number: u64| alphabet[(number % alphabet.len() as u64) as usize];
            let bytes: Vec<u8> = (0..length).map(|_| letter(random())).collect();
            let whole = scan(&bytes);
            let mut scanner = Scanner::new();
            let mut count = 0;
            let pieces = bytes
                .iter()
                .try_for_each(|byte| scanner.feed(&[*byte]).map(|n| count += n));
            assert_eq!(whole, pieces.map(|()| count), "{bytes:?}");
        }
    }
}
