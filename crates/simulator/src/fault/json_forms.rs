//! The JSON forms of values that serde would not write as people write them.

pub(super) mod times {
    use serde::de::{Error, Unexpected, Visitor};
    use serde::{Deserializer, Serializer};

    /// The number of times that has no end.
    pub(in super::super) const ALWAYS: u32 = u32::MAX;

    const EXPECTED: &str = "a number from 1 on, or \"always\"";

    pub(in super::super) fn serialize<S: Serializer>(times: &u32, to: S) -> Result<S::Ok, S::Error> {
        match *times {
            ALWAYS => to.serialize_str("always"),
            times => to.serialize_u32(times),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        struct Times;
        impl Visitor<'_> for Times {
            type Value = u32;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str(EXPECTED)
            }

            fn visit_u64<E: Error>(self, times: u64) -> Result<u32, E> {
                let good = u32::try_from(times).ok().filter(|times| *times > 0);
                good.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(times), &self))
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<u32, E> {
                match word {
                    "always" => Ok(ALWAYS),
                    other => Err(E::invalid_value(Unexpected::Str(other), &self)),
                }
            }
        }
        from.deserialize_any(Times)
    }
}

pub(super) mod text {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    /// A body that is not text is shown with U+FFFD in place of the bytes that are not.
    pub(in super::super) fn serialize<S: Serializer>(body: &Option<Bytes>, to: S) -> Result<S::Ok, S::Error> {
        match body {
            Some(body) => to.serialize_some(&String::from_utf8_lossy(body)),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Bytes>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(Bytes::from))
    }
}
