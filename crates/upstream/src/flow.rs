//! Who asks for a stream, and who goes first.

/// How work competes for what is scarce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceClass {
    /// It is served first.
    Interactive,
    /// It yields to the interactive, and never takes the last fifth of anything.
    Bulk,
}

/// Who asks for a stream: permits are granted in turn between flows of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// The interactive go first.
    pub class: ServiceClass,
    /// One batch stream, or all single pushes (0).
    pub id: u64,
}

impl Flow {
    /// The flow of all single pushes.
    pub const SINGLE: Self = Self { class: ServiceClass::Interactive, id: 0 };
}
