//! The SM4 block cipher and SM4-GCM, fast and in constant time.
