//! Parses the Python literals that headers and dtypes consist of.
//!
//! Own code, because the crates that read them call themselves for each bracket without a limit, so that a header of some ten
//! thousand brackets overflows the stack, which ends the process. Here the depth is limited, and so is the memory.
//!
//! Read is what Python's `repr` writes: strings with their escapes, integers, `True`, `False`, `None`, tuples, lists and dicts; also
//! the `L` behind long integers of Python 2, and its `u''`. Other syntax, such as comments or `0x10`, is an error.

use super::budget::{Budget, Exhausted};
use std::borrow::Cow;

/// How deep brackets may be nested. A structured dtype inside another one is two levels deeper.
pub(crate) const DEPTH: usize = 64;

/// A value. Its parts are borrowed from the text where they can be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Text(Cow<'a, str>),
    /// With its sign, without `L`. It may be any number of digits.
    Integer(&'a str),
    Bool(bool),
    None,
    Tuple(Vec<Value<'a>>),
    List(Vec<Value<'a>>),
    Dict(Vec<(Value<'a>, Value<'a>)>),
}

/// Why a text is no literal.
#[derive(Debug, PartialEq)]
pub(crate) enum SyntaxError {
    /// Something else should stand at this byte.
    Expected(&'static str, usize),
    /// Brackets are nested deeper than [`DEPTH`] at this byte.
    TooDeep(usize),
    /// The budget does not suffice.
    TooMuch,
}

impl From<Exhausted> for SyntaxError {
    fn from(_: Exhausted) -> Self {
        SyntaxError::TooMuch
    }
}

type Result<T> = std::result::Result<T, SyntaxError>;

/// The value of a text that contains nothing else but white space.
pub(crate) fn parse<'a>(text: &'a str, budget: &mut Budget) -> Result<Value<'a>> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
        budget,
    };
    let value = parser.value()?;
    match parser.next() {
        None => Ok(value),
        Some(_) => parser.expected("the end of the text"),
    }
}

struct Parser<'a, 'b> {
    text: &'a str,
    /// The next byte, always at the border of a character.
    at: usize,
    /// How many brackets are open.
    depth: usize,
    budget: &'b mut Budget,
}

impl<'a> Parser<'a, '_> {
    fn expected<T>(&self, what: &'static str) -> Result<T> {
        Err(SyntaxError::Expected(what, self.at))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character behind white space, which stays there.
    fn next(&mut self) -> Option<char> {
        let rest = self.rest();
        let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c');
        self.at += rest.len() - rest.trim_start_matches(blank).len();
        self.rest().chars().next()
    }

    /// Whether the next character behind white space is this one, which is then consumed.
    fn takes(&mut self, wanted: char) -> bool {
        let is_there = self.next() == Some(wanted);
        if is_there {
            self.at += wanted.len_utf8();
        }
        is_there
    }

    fn value(&mut self) -> Result<Value<'a>> {
        match self.next() {
            Some('(' | '[' | '{') => self.collection(),
            Some('\'' | '"') => Ok(Value::Text(self.string()?)),
            Some('-' | '0'..='9') => self.integer(),
            Some(_) => self.word(),
            None => self.expected("a value"),
        }
    }

    fn collection(&mut self) -> Result<Value<'a>> {
        if self.depth == DEPTH {
            return Err(SyntaxError::TooDeep(self.at));
        }
        self.depth += 1;
        let value = if self.takes('{') {
            self.dict()
        } else if self.takes('[') {
            Ok(Value::List(self.items(']', "`,` or `]`")?.0))
        } else {
            self.at += 1;
            let (mut items, commas) = self.items(')', "`,` or `)`")?;
            Ok(match items.pop() {
                // Brackets around one value are no tuple.
                Some(only) if items.is_empty() && commas == 0 => only,
                last => {
                    items.extend(last);
                    Value::Tuple(items)
                }
            })
        };
        self.depth -= 1;
        value
    }

    /// Values up to the bracket that closes them, and the number of commas.
    fn items(&mut self, end: char, expected: &'static str) -> Result<(Vec<Value<'a>>, usize)> {
        let mut items = Vec::new();
        let mut commas = 0;
        while !self.takes(end) {
            if commas < items.len() {
                return self.expected(expected);
            }
            let item = self.value()?;
            self.budget.push(&mut items, item)?;
            commas += usize::from(self.takes(','));
        }
        Ok((items, commas))
    }

    fn dict(&mut self) -> Result<Value<'a>> {
        let mut entries = Vec::new();
        let mut commas = 0;
        while !self.takes('}') {
            if commas < entries.len() {
                return self.expected("`,` or `}`");
            }
            let key = self.value()?;
            if !self.takes(':') {
                return self.expected("`:`");
            }
            let entry = (key, self.value()?);
            self.budget.push(&mut entries, entry)?;
            commas += usize::from(self.takes(','));
        }
        Ok(Value::Dict(entries))
    }

    fn integer(&mut self) -> Result<Value<'a>> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        self.at += sign + digits;
        if digits == 0 {
            return self.expected("a digit");
        }
        if self.rest().starts_with(['L', 'l']) {
            self.at += 1;
        }
        // So that `1.5`, `1e5`, `0x10` and `1_000` are not read as 1 or 0.
        let ends = |c: char| !(c.is_alphanumeric() || c == '_' || c == '.');
        if self.rest().chars().next().is_none_or(ends) {
            Ok(Value::Integer(&rest[..sign + digits]))
        } else {
            self.expected("the end of an integer")
        }
    }

    /// A value that begins with a letter.
    fn word(&mut self) -> Result<Value<'a>> {
        let rest = self.rest();
        if rest.starts_with("u'") || rest.starts_with("u\"") {
            self.at += 1;
            return Ok(Value::Text(self.string()?));
        }
        let len = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let value = match &rest[..len] {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "None" => Value::None,
            _ => {
                let what = "a string, an integer, `True`, `False`, `None`, or a bracket";
                return self.expected(what);
            }
        };
        self.at += len;
        Ok(value)
    }

    fn string(&mut self) -> Result<Cow<'a, str>> {
        let quote = self.rest().chars().next().unwrap_or('\'');
        self.at += quote.len_utf8();
        let rest = self.rest();
        let Some(end) = rest.find([quote, '\\', '\n']) else {
            self.at = self.text.len();
            return self.expected("the end of a string");
        };
        self.at += end;
        if self.takes_exactly(quote) {
            return Ok(Cow::Borrowed(&rest[..end]));
        }
        // With escapes. What they stand for is never longer than they are.
        let longest = self.string_end(quote) + end;
        self.budget.take(longest)?;
        let mut string = String::with_capacity(longest);
        string.push_str(&rest[..end]);
        while !self.takes_exactly(quote) {
            let Some(next) = self.rest().chars().next().filter(|c| *c != '\n') else {
                return self.expected("the end of a string");
            };
            self.at += next.len_utf8();
            if next == '\\' {
                string.push(self.escape()?);
            } else {
                string.push(next);
            }
        }
        Ok(Cow::Owned(string))
    }

    /// Whether this character comes next, which is then consumed.
    fn takes_exactly(&mut self, wanted: char) -> bool {
        let is_there = self.rest().starts_with(wanted);
        if is_there {
            self.at += wanted.len_utf8();
        }
        is_there
    }

    /// How many bytes the rest of a string has.
    fn string_end(&self, quote: char) -> usize {
        let mut escaped = false;
        let ends = |c: char| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        };
        self.rest().find(ends).unwrap_or(self.rest().len())
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<char> {
        let Some(letter) = self.rest().chars().next() else {
            return self.expected("the end of a string");
        };
        let digits = match letter {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let code = self.rest().get(1..=digits);
            let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
            // Python has strings with surrogates, Rust has none.
            let Some(character) = code.and_then(char::from_u32) else {
                return self.expected("the number of a character");
            };
            self.at += 1 + digits;
            return Ok(character);
        }
        let character = match letter {
            '\\' | '\'' | '"' => letter,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            _ => return self.expected("an escape that Python writes"),
        };
        self.at += 1;
        Ok(character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value<'_>> {
        parse(text, &mut Budget::of_file(0))
    }

    fn text(value: &str) -> Value<'_> {
        Value::Text(value.into())
    }

    #[test]
    fn values_of_all_kinds_are_read() {
        let value = read(" {'a': [1, -2L, ()], \"b\" :(True,), u'c': (None),'d': {}, } \n");
        let entry = |key, value| (text(key), value);
        let one = |value| Value::Tuple(vec![value]);
        let list = [
            Value::Integer("1"),
            Value::Integer("-2"),
            Value::Tuple(vec![]),
        ];
        let entries = [
            entry("a", Value::List(list.to_vec())),
            entry("b", one(Value::Bool(true))),
            entry("c", Value::None),
            entry("d", Value::Dict(vec![])),
        ];
        assert_eq!(value, Ok(Value::Dict(entries.to_vec())));
        assert_eq!(read("(3)"), Ok(Value::Integer("3")));
        assert_eq!(read("(3,)"), Ok(one(Value::Integer("3"))));
        let two = Value::Tuple(vec![Value::Integer("3"), Value::Integer("4")]);
        assert_eq!(read("(3L, 4L)"), Ok(two));
    }

    #[test]
    fn strings_have_the_escapes_of_python() {
        assert_eq!(read(r#""it's""#), Ok(text("it's")));
        assert_eq!(
            read(r"'\'\\\n\t\r\xe9\u03b1\U0001f600é'"),
            Ok(text("'\\\n\t\réα😀é"))
        );
        for wrong in [
            r"'\ud800'",
            r"'\x4'",
            r"'\x+1'",
            r"'\U00110000'",
            r"'\q'",
            r"'\",
            r"'\'",
            "'a",
            "'a\n'",
            "'\\n\n'",
            "'\\é'",
            r"'\xé1'",
        ] {
            assert!(
                matches!(read(wrong), Err(SyntaxError::Expected(..))),
                "{wrong}"
            );
        }
    }

    #[test]
    fn other_syntax_is_an_error_that_says_where() {
        let cases = [
            ("", 0),
            ("(,)", 1),
            ("(1 2)", 3),
            ("[1,,2]", 3),
            ("{1}", 2),
            ("{1:}", 3),
            ("[1", 2),
            ("1.5", 1),
            ("1e5", 1),
            ("0x10", 1),
            ("1_0", 1),
            ("-", 1),
            ("Truer", 0),
            ("1 1", 2),
            ("(1]", 2),
            ("b'a'", 0),
            ("[}", 1),
            ("# 1", 0),
            ("1LL", 2),
            ("é", 0),
        ];
        for (wrong, at) in cases {
            match read(wrong) {
                Err(SyntaxError::Expected(_, there)) => assert_eq!(there, at, "{wrong}"),
                other => panic!("{wrong}: {other:?}"),
            }
        }
    }

    #[test]
    fn depth_is_limited() {
        for (open, close) in [("(", ",)"), ("[", "]"), ("{1:", "}")] {
            let nested = |depth: usize| open.repeat(depth) + "1" + &close.repeat(depth);
            assert!(read(&nested(DEPTH)).is_ok());
            assert!(matches!(
                read(&nested(DEPTH + 1)),
                Err(SyntaxError::TooDeep(_))
            ));
            let endless = open.repeat(1_000_000);
            assert!(matches!(read(&endless), Err(SyntaxError::TooDeep(_))));
        }
        // Brackets beside each other are not deep.
        assert!(read(&format!("[{}]", "[],".repeat(1000))).is_ok());
    }

    #[test]
    fn memory_is_limited() {
        let within = |text: &str, bytes: usize| parse(text, &mut Budget::of_bytes(bytes)).map(drop);
        let long = format!("[{}]", "1,".repeat(1000));
        assert_eq!(within(&long, 32_000), Err(SyntaxError::TooMuch));
        assert_eq!(within(&long, 128_000), Ok(()));
        let string = format!(r"'\n{}'", "a".repeat(1000));
        assert_eq!(within(&string, 1000), Err(SyntaxError::TooMuch));
        assert_eq!(within(&string, 1002), Ok(()));
        // Without escapes it is borrowed.
        assert_eq!(within("'aaaa'", 0), Ok(()));
    }
}
