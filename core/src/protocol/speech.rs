//! A command in words, side by side in one piece of memory.

use crate::protocol::script::Script;

/// The lines that one command is said in, each a command for the server.
#[derive(Debug, Clone)]
pub struct Speech {
    bytes: Vec<u8>,
    /// Where each word ends in `bytes`.
    words: Vec<usize>,
    /// The script of each line, and where its words end in `words`.
    lines: Vec<(Option<&'static Script>, usize)>,
}

/// One line of a speech.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The script to call; the words are then the number of keys, the keys, and the arguments.
    pub script: Option<&'static Script>,
    speech: &'a Speech,
    first: usize,
    end: usize,
}

impl Speech {
    /// Nothing said yet.
    pub fn new() -> Self {
        Speech {
            bytes: Vec::with_capacity(384),
            words: Vec::with_capacity(24),
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
        self.lines.push((None, self.words.len()));
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
        self.lines.push((Some(script), self.words.len()));
        self.number(keys.len() as u64);
        for key in keys {
            self.word(key.as_ref().as_bytes());
        }
    }

    /// Adds a word to the last line.
    pub fn word(&mut self, word: &[u8]) {
        self.bytes.extend_from_slice(word);
        self.words.push(self.bytes.len());
        if let Some((_, end)) = self.lines.last_mut() {
            *end = self.words.len();
        }
    }

    /// Adds a number in decimal digits.
    pub fn number(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.word(&digits[first..]);
    }

    /// Adds `1` for yes and an empty word for no.
    pub fn flag(&mut self, yes: bool) {
        self.word(if yes { b"1" } else { b"" });
    }

    /// How many lines.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// One line.
    pub fn line(&self, index: usize) -> Line<'_> {
        let first = index
            .checked_sub(1)
            .map_or(0, |before| self.lines[before].1);
        let (script, end) = self.lines[index];
        Line {
            script,
            speech: self,
            first,
            end,
        }
    }

    fn end_of(&self, words: usize) -> usize {
        words.checked_sub(1).map_or(0, |last| self.words[last])
    }
}

impl Default for Speech {
    fn default() -> Self {
        Speech::new()
    }
}

impl<'a> Line<'a> {
    /// The words one by one.
    pub fn words(self) -> impl ExactSizeIterator<Item = &'a [u8]> {
        (self.first..self.end)
            .map(move |word| &self.speech.bytes[self.speech.end_of(word)..self.speech.words[word]])
    }

    /// How many bytes all words have.
    pub fn bytes(self) -> usize {
        self.speech.end_of(self.end) - self.speech.end_of(self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::script;

    #[test]
    fn words_and_lines_keep_their_bounds() {
        let mut speech = Speech::plain(&["SET", "", "a b"]);
        speech.number(0);
        speech.call(&script::DELETE, ["k"].into_iter());
        speech.number(u64::MAX);
        speech.flag(true);
        speech.flag(false);
        let words = |line| {
            let words = speech.line(line).words();
            words
                .map(|word| String::from_utf8_lossy(word))
                .collect::<Vec<_>>()
        };
        assert_eq!(speech.count(), 2);
        assert_eq!(words(0), ["SET", "", "a b", "0"]);
        assert_eq!(words(1), ["1", "k", "18446744073709551615", "1", ""]);
        assert_eq!((speech.line(0).bytes(), speech.line(1).bytes()), (7, 23));
        assert!(speech.line(0).script.is_none() && speech.line(1).script.is_some());
    }
}
