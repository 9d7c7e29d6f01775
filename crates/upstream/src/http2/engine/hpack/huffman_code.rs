//! The Huffman code, built when this is compiled from the lengths of its codes.
//!
//! The code is canonical: in the order of length, then symbol, each code is the one before it plus one, with zeros
//! behind it where it is longer. The lengths therefore are all that there is to know.

/// The symbol that ends a text. It is only padding, whose bits are the first bits of its code.
const END: u16 = 256;

/// The length of the longest code.
const LONGEST: usize = 30;

/// How many bits the table of short codes looks at. All digits and letters have shorter codes.
const SHORT: usize = 8;

/// The length of the code of each symbol, in bits. Source: RFC 7541, appendix B.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26, 30,
];

/// The code of a symbol, or of several behind each other.
#[derive(Clone, Copy)]
pub(super) struct Code {
    /// The code, in the lowest bits.
    pub(super) bits: u32,
    /// How many bits it has.
    pub(super) length: u8,
}

impl Code {
    /// This code with the next one behind it. Both together have at most 32 bits.
    pub(super) fn then(self, next: Self) -> Self {
        Self { bits: self.bits << next.length | next.bits, length: self.length + next.length }
    }
}

/// The code of each byte.
pub(super) static CODES: [Code; 256] = {
    let mut codes = [Code { bits: 0, length: 0 }; 256];
    let mut bits = 0;
    let mut length = 1;
    while length <= LONGEST {
        bits <<= 1;
        let mut symbol = 0;
        while symbol < codes.len() {
            if LENGTHS[symbol] as usize == length {
                codes[symbol] = Code { bits, length: length as u8 };
                bits += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    codes
};

/// The symbol whose code the window begins with, and how many bits the code has. The first bit of the code is the highest
/// of the window.
pub(super) fn symbol(window: u32) -> (u16, u32) {
    let (symbol, length) = SHORT_CODES[usize::from(window.to_be_bytes()[0])];
    if length > 0 { (u16::from(symbol), length.into()) } else { long_symbol(window) }
}

#[cold]
fn long_symbol(window: u32) -> (u16, u32) {
    let long = LENGTH_RANGES.iter().find(|range| u64::from(window) < range.end);
    let found = long.and_then(|range| {
        let nth = (window >> (32 - range.length)).checked_sub(range.first)?;
        Some((*SYMBOLS.get(range.before + nth as usize)?, range.length))
    });
    found.unwrap_or((END, LONGEST as u32))
}

/// For each byte the symbol whose code it begins with, and the length of this code, which is 0 if the code is longer
/// than the byte.
static SHORT_CODES: [(u8, u8); 256] = {
    let mut table = [(0, 0); 256];
    let mut symbol = 0;
    while symbol < CODES.len() {
        let Code { bits, length } = CODES[symbol];
        if length as usize <= SHORT {
            let free = SHORT - length as usize;
            let mut rest = 0;
            while rest < 1 << free {
                table[((bits as usize) << free) + rest] = (symbol as u8, length);
                rest += 1;
            }
        }
        symbol += 1;
    }
    table
};

/// All codes of one length.
#[derive(Clone, Copy)]
struct LengthRange {
    length: u32,
    /// The first of these codes.
    first: u32,
    /// The window behind the last of these codes.
    end: u64,
    /// How many symbols have shorter codes.
    before: usize,
}

/// The codes of each length that the table of short codes does not have.
static LENGTH_RANGES: [LengthRange; LONGEST - SHORT] = {
    let mut ranges = [LengthRange { length: 0, first: 0, end: 0, before: 0 }; LONGEST - SHORT];
    let mut first = 0;
    let mut before = 0;
    let mut length = 1;
    while length <= LONGEST {
        first <<= 1;
        let count = with_length(length);
        if length > SHORT {
            let end = (first as u64 + count as u64) << (32 - length);
            ranges[length - SHORT - 1] = LengthRange { length: length as u32, first, end, before };
        }
        first += count as u32;
        before += count;
        length += 1;
    }
    ranges
};

/// All symbols in the order of their codes.
static SYMBOLS: [u16; 257] = {
    let mut symbols = [0; 257];
    let mut filled = 0;
    let mut length = 1;
    while length <= LONGEST {
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                symbols[filled] = symbol as u16;
                filled += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    symbols
};

/// How many symbols have codes of this length.
const fn with_length(length: usize) -> usize {
    let mut count = 0;
    let mut symbol = 0;
    while symbol < LENGTHS.len() {
        if LENGTHS[symbol] as usize == length {
            count += 1;
        }
        symbol += 1;
    }
    count
}
