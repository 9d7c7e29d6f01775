//! Reads JSON as Go's `encoding/json` does, because what a Mattermost server writes was only ever read by Go before.
//!
//! - The letter case of keys is ignored, a later member wins over an earlier one, and unknown members are skipped.
//! - Whatever follows the first value is ignored.
//! - Bytes that are not UTF-8 become U+FFFD.
//! - `null` leaves a member as it is.
//! - A member of the wrong type does not end the reading: a fault of the JSON itself is reported first.
//!
//! Source: Go, package `encoding/json`, `Unmarshal` and `Decoder.Decode`; the texts of its errors as recorded from the real
//! push proxy.

mod place;
mod plain;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

pub(super) use place::{GoStruct, Place};

/// The bytes as text. The result is read by [`read`], which borrows from it.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    // What is UTF-8, as nearly everything is, is seen to be so many bytes at once.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Reads the first value of a text into a struct that is as by default. It is large, so that it is filled where it lies. Says
/// whether no text in it has anything that JSON escapes, as far as that is known.
///
/// # Errors
/// Fails with what Go would say, or with words that mean the same.
pub(super) fn read<'a, T: GoStruct<'a>>(text: &'a str, read: &mut T) -> Result<bool, String> {
    match plain::read(text, read) {
        Some(()) => Ok(true),
        None => read_any(text, read).map(|()| false),
    }
}

/// Reads what may have anything in it. What was read before is forgotten.
fn read_any<'a, T: GoStruct<'a>>(text: &'a str, read: &mut T) -> Result<(), String> {
    *read = T::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    match reader.deserialize_any(Members(read)) {
        Ok(read) => read,
        Err(_) if text.trim_ascii().is_empty() => Err("EOF".to_owned()),
        Err(error) if error.is_eof() => Err("unexpected EOF".to_owned()),
        // serde_json says what it found and where, and does not repeat the text.
        Err(error) => Err(format!("invalid JSON: {error}")),
    }
}

/// Reads members into a struct. What is read is the first member that is of a wrong type, if there is one.
struct Members<'t, T>(&'t mut T);

impl<'a, T: GoStruct<'a>> Visitor<'a> for Members<'_, T> {
    type Value = Result<(), String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        // They are laid out once, since an object may have very many members.
        let mut members: Vec<_> = self.0.members().into_iter().collect();
        let mut wrong = None;
        while let Some(Key(key)) = map.next_key()? {
            // Servers write keys in lower case, so nearly every key is found as it stands.
            let (place, key) = match place(&mut members, &key) {
                Some(place) => (Some(place), key),
                None => {
                    let lower = key.to_ascii_lowercase();
                    (place(&mut members, &lower), Cow::Owned(lower))
                }
            };
            let Some(place) = place else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if let Err(mismatch) = map.next_value_seed(place)? {
                let Mismatch { found, expected } = *mismatch;
                let name = T::NAME;
                wrong.get_or_insert_with(|| {
                    format!(
                        "json: cannot unmarshal {found} into Go struct field {name}.{key} of type {expected}"
                    )
                });
            }
        }
        Ok(wrong.map_or(Ok(()), Err))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Ok(()))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Err(not_an_object::<T>("bool")))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Err(not_an_object::<T>("number")))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Err(not_an_object::<T>("number")))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Err(not_an_object::<T>("number")))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Err(not_an_object::<T>("string")))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Err(not_an_object::<T>("array")))
    }
}

/// The place of the member with this key.
fn place<'m, 'a>(members: &'m mut [(&'static str, Place<'_, 'a>)], key: &str) -> Option<Place<'m, 'a>> {
    members.iter_mut().find(|(known, _)| *known == key).map(|(_, place)| place.once())
}

fn not_an_object<'a, T: GoStruct<'a>>(found: &str) -> String {
    format!("json: cannot unmarshal {found} into Go value of type model.{}", T::NAME)
}

/// A key, borrowed from the text where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A value that its place does not take.
pub(super) struct Mismatch {
    /// What Go calls the value.
    found: Cow<'static, str>,
    /// The type in Go that it should have.
    expected: &'static str,
}

impl Place<'_, '_> {
    /// The name in Go of what stands here.
    fn expected(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Integer(_, name) => name,
            Self::Flag(_) => "bool",
        }
    }

    fn mismatch(&self, found: impl Into<Cow<'static, str>>) -> Result<(), Box<Mismatch>> {
        Err(Box::new(Mismatch { found: found.into(), expected: self.expected() }))
    }

    /// A number that is no integer of 64 bits, or for which there is no place.
    fn no_integer(&self, number: f64) -> Result<(), Box<Mismatch>> {
        match self {
            Self::Integer(..) => self.mismatch(format!("number {number}")),
            Self::Text(_) | Self::Flag(_) => self.mismatch("number"),
        }
    }
}

/// Puts the value of a member here. What is read is the fault of a value that does not belong here.
impl<'a> DeserializeSeed<'a> for Place<'_, 'a> {
    type Value = Result<(), Box<Mismatch>>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Place<'_, 'a> {
    type Value = Result<(), Box<Mismatch>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Ok(()))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        let Self::Flag(place) = self else { return Ok(self.mismatch("bool")) };
        *place = flag;
        Ok(Ok(()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        let Self::Integer(place, _) = self else { return Ok(self.mismatch("number")) };
        *place = number;
        Ok(Ok(()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "the number is only shown, as one that is too large")]
        let too_large = number as f64;
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Ok(self.no_integer(too_large)),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        // serde_json reads `-0` so, which Go takes for 0.
        if number == 0.0 && number.is_sign_negative() {
            return self.visit_i64(0);
        }
        Ok(self.no_integer(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Self::Value, E> {
        let Self::Text(place) = self else { return Ok(self.mismatch("string")) };
        *place = Cow::Borrowed(text);
        Ok(Ok(()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let Self::Text(place) = self else { return Ok(self.mismatch("string")) };
        *place = Cow::Owned(text.to_owned());
        Ok(Ok(()))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.mismatch("array"))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.mismatch("object"))
    }
}

#[cfg(test)]
mod tests;
