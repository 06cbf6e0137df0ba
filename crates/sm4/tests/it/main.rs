//! The published vectors of SM4 and SM4-GCM.

mod vectors;
