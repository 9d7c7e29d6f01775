//! What there is of a body with several pushes, before any of them is read: a message takes many times the memory of its JSON,
//! so what is too much is refused by its outline.

use std::fmt;

use http::StatusCode;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::mistake::Mistake;
use super::place::Walk;
use super::problem::Problem;
use super::schema::{self, Schema};
use crate::ingress::contract::MAX_ITEMS;
use crate::proto::UnreadPushes;
use crate::push::Reason;

/// The most JSON values of a body outside of its pushes. An addressee has about six, and the rest of a multicast some twenty.
const MAX_VALUES: usize = 64 * MAX_ITEMS;

/// A body with several pushes.
#[derive(Deserialize)]
pub(super) struct Outline<'a> {
    #[serde(borrow)]
    pushes: Option<&'a RawValue>,
    multicasts: Option<IgnoredAny>,
}

/// The pushes of a body, each as the text that it is there.
#[derive(Default)]
pub(super) struct Pushes<'a> {
    pub(super) count: usize,
    /// The first ones, which are all of them where a call may have so many.
    pub(super) first: Vec<&'a RawValue>,
}

impl<'a> Outline<'a> {
    /// None: the body is a single push, or else it is none.
    pub(super) fn of(json: &'a str) -> Result<Option<Self>, Mistake> {
        if !json.trim_ascii_start().starts_with('{') {
            return Ok(None);
        }
        let outline: Self = serde_json::from_str(json).map_err(|error| Mistake::plain(&error))?;
        let several = outline.pushes.is_some() || outline.multicasts.is_some();
        Ok(several.then_some(outline))
    }

    pub(super) fn pushes(&self) -> Result<Pushes<'a>, Mistake> {
        let pushes = self.list().map_or(Ok(Pushes::default()), serde_json::from_str);
        pushes.map_err(|error| Mistake::plain(&error))
    }

    fn list(&self) -> Option<&'a str> {
        self.pushes.map(RawValue::get).filter(|pushes| pushes.starts_with('['))
    }

    /// Everything but the pushes. What is wrong with a multicast is wrong with the call: it is not known how many items it has.
    pub(super) fn without_pushes(&self, schema: &Schema, json: &str) -> Result<UnreadPushes, Problem> {
        let mut rest = json.to_owned();
        if let Some(pushes) = self.list() {
            // The places of everything else stay what they are in the body.
            let at = Walk::offset(json, pushes);
            let blank = pushes.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' });
            let blank: String = blank.skip(1).take(pushes.len().saturating_sub(2)).collect();
            rest.replace_range(at..at + pushes.len(), &format!("[{blank}]"));
        }
        let mut left = MAX_VALUES;
        // Whatever else is wrong is found when it is read.
        let _counted = Values(&mut left).deserialize(&mut serde_json::Deserializer::from_str(&rest));
        if left == 0 {
            let detail = format!("expected less than {MAX_VALUES} JSON values outside of pushes, found more");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Some(Reason::FieldTooLarge), detail));
        }
        let bytes = schema::read(&schema.pushes, &rest)?;
        Ok(UnreadPushes::of(bytes.into()).map_err(|error| Mistake::of_whole(error.to_string()))?)
    }
}

impl<'de> Deserialize<'de> for Pushes<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Pushes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Pushes<'de>, A::Error> {
                let mut pushes = Pushes::default();
                while pushes.count < MAX_ITEMS
                    && let Some(push) = list.next_element()?
                {
                    pushes.first.push(push);
                    pushes.count += 1;
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    pushes.count += 1;
                }
                Ok(pushes)
            }
        }
        from.deserialize_seq(Read)
    }
}

/// Counts the values of a text down, and stops at 0.
struct Values<'a>(&'a mut usize);

impl Values<'_> {
    fn one<E: Error>(self) -> Result<(), E> {
        *self.0 = self.0.saturating_sub(1);
        if *self.0 == 0 { Err(E::custom("there are too many values")) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.one()
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.one()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.one()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.one()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.one()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.one()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Values(&mut *self.0))?.is_some() {}
        self.one()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key::<IgnoredAny>()?.is_some() {
            members.next_value_seed(Values(&mut *self.0))?;
        }
        self.one()
    }
}
