//! Why a header block cannot be decoded.

/// What is wrong with a header block. It ends the connection with COMPRESSION_ERROR, because the table of the decoder no
/// longer is what the peer believes it to be. Source: RFC 9113, section 4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CompressionError {
    /// The block ends inside of a field.
    #[error("the header block ends inside of a field")]
    Truncated,
    /// A number is longer than any that can be meant. Source: RFC 7541, section 5.1.
    #[error("the header block has a number of more than five bytes")]
    Number,
    /// An index is zero, or beyond the end of the table. Source: RFC 7541, sections 2.3.3 and 6.1.
    #[error("the header block refers to an entry that the table does not have")]
    Index,
    /// A string is not Huffman code. Source: RFC 7541, section 5.2.
    #[error("the header block has a string that is not Huffman code")]
    Huffman,
    /// The size of the table is changed behind a field, more than twice, or to more than is allowed. Source: RFC 7541,
    /// sections 4.2 and 6.3.
    #[error("the header block changes the size of the table where or how it may not")]
    TableSize,
}
