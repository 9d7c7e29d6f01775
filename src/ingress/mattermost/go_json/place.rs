//! Where the members of a struct that Go reads lie.

use std::borrow::Cow;

/// A struct that Go reads.
pub(in crate::ingress::mattermost) trait GoStruct<'a>: Default {
    /// Its name in Go, which errors show.
    const NAME: &'static str;

    /// Its members in the order in which Go writes them, each with its key, which is in lower case.
    fn members<'s>(&'s mut self) -> impl IntoIterator<Item = (&'static str, Place<'s, 'a>)>
    where
        'a: 's;
}

/// Where the value of a member is put.
pub(in crate::ingress::mattermost) enum Place<'s, 'a> {
    Text(&'s mut Cow<'a, str>),
    /// An integer, with its name in Go.
    Integer(&'s mut i64, &'static str),
    Flag(&'s mut bool),
}

impl<'a> Place<'_, 'a> {
    /// The same place, for one value.
    pub(super) fn once(&mut self) -> Place<'_, 'a> {
        match self {
            Self::Text(place) => Place::Text(place),
            Self::Integer(place, name) => Place::Integer(place, name),
            Self::Flag(place) => Place::Flag(place),
        }
    }
}
