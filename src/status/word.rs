//! Words of the gateway.

use std::borrow::Cow;

/// A word of the gateway itself, which costs it no memory. Who reads the status of another gateway owns the words that it has
/// read.
pub(crate) type Word = Cow<'static, str>;
