"""Pure picture parts: arrays in, arrays out; they know no Ray and no tables."""
