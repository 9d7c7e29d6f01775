//! Writes a JSON object, member by member.
//!
//! What has to be escaped is looked for in many bytes of a text at once, since nearly no text has anything of it. A general
//! serializer looks at each byte by itself.

use std::fmt::Write;

use super::escapes::plain_bytes;
use super::said;

/// An object that is being written.
pub(super) struct Object(String);

impl Object {
    /// An object with nothing in it, and room for so many bytes.
    pub(super) fn with_room(bytes: usize) -> Self {
        let mut json = String::with_capacity(bytes);
        json.push('{');
        Self(json)
    }

    /// A member that is a text.
    pub(super) fn text(&mut self, key: &'static str, text: &str) {
        self.key(key);
        if plain_bytes(text) == text.len() {
            self.0.push('"');
            self.0.push_str(text);
            self.0.push('"');
        } else {
            self.0.push_str(&said::json(&text));
        }
    }

    /// The same where the text is not empty.
    pub(super) fn given(&mut self, key: &'static str, text: &str) {
        if !text.is_empty() {
            self.text(key, text);
        }
    }

    /// A member that is a number.
    pub(super) fn number(&mut self, key: &'static str, number: i64) {
        self.key(key);
        // Writing into a text cannot fail.
        let _ = write!(self.0, "{number}");
    }

    /// A member that is true or false.
    pub(super) fn flag(&mut self, key: &'static str, flag: bool) {
        self.key(key);
        self.0.push_str(if flag { "true" } else { "false" });
    }

    /// A member that is an object with these members.
    pub(super) fn object(&mut self, key: &'static str, members: impl FnOnce(&mut Self)) {
        self.key(key);
        self.0.push('{');
        members(self);
        self.0.push('}');
    }

    /// The whole object.
    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// The key of the next member, which has nothing to escape. No member ends as an object begins.
    fn key(&mut self, key: &'static str) {
        if self.0.as_bytes().last() != Some(&b'{') {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(key);
        self.0.push_str("\":");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(
            texts in proptest::collection::vec(any::<String>(), 3), number: i64, flag: bool,
        ) {
            let mut object = Object::with_room(0);
            object.object("none", |_| {});
            object.object("some", |some| {
                some.number("number", number);
                some.object("inner", |inner| inner.text("text", &texts[0]));
                some.text("text", &texts[1]);
            });
            object.given("absent", "");
            object.given("given", &format!("{{{}", texts[2]));
            object.flag("flag", flag);
            let read: serde_json::Value = serde_json::from_str(&object.end()).unwrap();
            let expected = json!({
                "none": {},
                "some": { "number": number, "inner": { "text": texts[0] }, "text": texts[1] },
                "given": format!("{{{}", texts[2]),
                "flag": flag,
            });
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn a_text_is_written_as_serde_json_writes_it(text: String) {
            let mut object = Object::with_room(0);
            object.text("text", &text);
            prop_assert_eq!(object.end(), json!({ "text": text }).to_string());
        }
    }
}
