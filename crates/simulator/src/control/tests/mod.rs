//! The control API over a real socket, held against its document.

mod api;
mod document;
mod schema;
mod script;
