//! Writes a JSON object, member by member.
//!
//! What has to be escaped is looked for in many bytes of a text at once, since nearly no text has anything of it. A general
//! serializer looks at each byte by itself.

use std::fmt::Write;

use super::escapes::plain_bytes;
use super::said;

/// An object that is being written.
pub(super) struct Object {
    json: String,
    /// Whether its texts were read as JSON that escapes nothing, so that they are not looked at again.
    is_plain: bool,
}

impl Object {
    /// An object with nothing in it, and room for so many bytes. `is_plain` says that no text of it will have anything to escape.
    pub(super) fn with_room(bytes: usize, is_plain: bool) -> Self {
        let mut json = String::with_capacity(bytes);
        json.push('{');
        Self { json, is_plain }
    }

    /// A member that is a text.
    pub(super) fn text(&mut self, key: &'static str, text: &str) {
        self.key(key);
        if self.is_plain || plain_bytes(text) == text.len() {
            self.json.push('"');
            self.json.push_str(text);
            self.json.push('"');
        } else {
            self.json.push_str(&said::json(&text));
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
        let _ = write!(self.json, "{number}");
    }

    /// A member that is true or false.
    pub(super) fn flag(&mut self, key: &'static str, flag: bool) {
        self.key(key);
        self.json.push_str(if flag { "true" } else { "false" });
    }

    /// A member that is an object with these members.
    pub(super) fn object(&mut self, key: &'static str, members: impl FnOnce(&mut Self)) {
        self.key(key);
        self.json.push('{');
        members(self);
        self.json.push('}');
    }

    /// The whole object.
    pub(super) fn end(mut self) -> String {
        self.json.push('}');
        self.json
    }

    /// The key of the next member, which has nothing to escape. No member ends as an object begins.
    fn key(&mut self, key: &'static str) {
        if self.json.as_bytes().last() != Some(&b'{') {
            self.json.push(',');
        }
        self.json.push('"');
        self.json.push_str(key);
        self.json.push_str("\":");
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
            let mut object = Object::with_room(0, false);
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
            let mut object = Object::with_room(0, false);
            object.text("text", &text);
            prop_assert_eq!(object.end(), json!({ "text": text }).to_string());
        }
    }
}
