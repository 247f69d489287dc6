//! A command in the words that go over the wire (RESP), side by side in one piece of memory.

use crate::protocol::script::Script;

/// The lines that one command is said in, each a command for the server.
#[derive(Debug, Clone)]
pub struct Speech {
    /// Every word as a bulk string.
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

/// One line of a speech.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The script to call; the words are then the number of keys, the keys, and the arguments.
    pub script: Option<&'static Script>,
    words: usize,
    first: usize,
    end: usize,
}

impl Speech {
    /// Nothing said yet.
    pub fn new() -> Self {
        Speech {
            bytes: Vec::with_capacity(384),
            lines: Vec::with_capacity(3),
        }
    }

    /// One line of plain words.
    pub fn plain(words: &[&str]) -> Self {
        let mut speech = Speech::new();
        speech.words(words);
        speech
    }

    /// Adds a line of plain words; more may follow.
    pub fn words(&mut self, words: &[&str]) {
        self.begin(None);
        for word in words {
            self.word(word.as_bytes());
        }
    }

    /// Adds a line that calls a script with these keys; its arguments follow.
    pub fn call<K: AsRef<str>>(
        &mut self,
        script: &'static Script,
        keys: impl ExactSizeIterator<Item = K>,
    ) {
        self.begin(Some(script));
        self.number(keys.len() as u64);
        for key in keys {
            self.word(key.as_ref().as_bytes());
        }
    }

    fn begin(&mut self, script: Option<&'static Script>) {
        let first = self.bytes.len();
        self.lines.push(Line {
            script,
            words: 0,
            first,
            end: first,
        });
    }

    /// Adds a word to the last line.
    pub fn word(&mut self, word: &[u8]) {
        bulk(&mut self.bytes, word);
        if let Some(line) = self.lines.last_mut() {
            line.words += 1;
            line.end = self.bytes.len();
        }
    }

    /// Adds a number in decimal digits.
    pub fn number(&mut self, number: u64) {
        let mut room = [0; 20];
        self.word(digits(number, &mut room));
    }

    /// Adds `1` for yes and an empty word for no.
    pub fn flag(&mut self, yes: bool) {
        self.word(if yes { b"1" } else { b"" });
    }

    /// The lines one by one.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = Line> {
        self.lines.iter().copied()
    }

    /// The words of one of the lines, for who sends them in a way of his own.
    #[cfg(any(test, feature = "testing"))]
    pub fn words_of(&self, line: Line) -> Vec<&[u8]> {
        let mut rest = &self.bytes[line.first..line.end];
        let mut words = Vec::with_capacity(line.words);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\r') {
            let length = rest[1..end]
                .iter()
                .fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
            let word = &rest[end + 2..];
            words.push(&word[..length]);
            rest = &word[length + 2..];
        }
        words
    }

    /// Writes one of the lines as it goes over the wire: a script by its digest, or with its text.
    pub fn write(&self, line: Line, with_text: bool, out: &mut Vec<u8>) {
        let call = line.script.map(|script| match with_text {
            true => (&b"EVAL"[..], script.body()),
            false => (&b"EVALSHA"[..], script.digest()),
        });
        head(out, b'*', line.words + if call.is_some() { 2 } else { 0 });
        if let Some((verb, script)) = call {
            bulk(out, verb);
            bulk(out, script.as_bytes());
        }
        out.extend_from_slice(&self.bytes[line.first..line.end]);
    }
}

impl Default for Speech {
    fn default() -> Self {
        Speech::new()
    }
}

fn bulk(out: &mut Vec<u8>, word: &[u8]) {
    head(out, b'$', word.len());
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

fn head(out: &mut Vec<u8>, kind: u8, count: usize) {
    out.push(kind);
    out.extend_from_slice(digits(count as u64, &mut [0; 20]));
    out.extend_from_slice(b"\r\n");
}

fn digits(mut number: u64, room: &mut [u8; 20]) -> &[u8] {
    let mut first = room.len();
    loop {
        first -= 1;
        room[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &room[first..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::script;

    fn written(speech: &Speech, index: usize, with_text: bool) -> String {
        let (mut out, line) = (Vec::new(), speech.lines().nth(index).expect("a line"));
        speech.write(line, with_text, &mut out);
        String::from_utf8(out).expect("text").replace("\r\n", " ")
    }

    #[test]
    fn words_and_lines_keep_their_bounds() {
        let mut speech = Speech::plain(&["SET", "", "a b"]);
        speech.number(0);
        speech.call(&script::DELETE, ["k"].into_iter());
        speech.number(u64::MAX);
        speech.flag(true);
        speech.flag(false);
        assert_eq!(speech.lines().len(), 2);
        let first = speech.lines().next().expect("a line");
        assert_eq!(speech.words_of(first), [&b"SET"[..], b"", b"a b", b"0"]);
        assert_eq!(
            written(&speech, 0, true),
            "*4 $3 SET $0  $3 a b $1 0 ",
            "a line without a script has no text to go with"
        );
        let rest = "$1 1 $1 k $20 18446744073709551615 $1 1 $0  ";
        let digest = script::DELETE.digest();
        assert_eq!(
            written(&speech, 1, false),
            format!("*7 $7 EVALSHA $40 {digest} {rest}")
        );
        let text = script::DELETE.body();
        assert!(written(&speech, 1, true).starts_with(&format!("*7 $4 EVAL ${} ", text.len())));
        assert!(written(&speech, 1, true).ends_with(rest));
    }
}
