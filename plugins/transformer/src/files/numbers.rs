//! The numbers of a tensor, exactly, from the types that files hold them in.

use pstar_neural::tensor_file::is_parameter;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// Appends the numbers at these places of a tensor, which must lie within it, as `f64`.
///
/// F16, BF16 and F32 are all exact in `f64`.
///
/// # Errors
/// In words, what was expected and what was found: another type, or a number that is not finite as F32.
pub(super) fn append(
    name: &str,
    tensor: &TensorView<'_>,
    places: impl Iterator<Item = usize>,
    out: &mut Vec<f64>,
) -> Result<(), String> {
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::F64 => convert(name, data, places, f64::from_le_bytes, out),
        Dtype::F32 => convert(name, data, places, |bytes| f64::from(f32::from_le_bytes(bytes)), out),
        Dtype::BF16 => convert(name, data, places, |bytes| from_bf16(u16::from_le_bytes(bytes)), out),
        Dtype::F16 => convert(name, data, places, |bytes| from_f16(u16::from_le_bytes(bytes)), out),
        other => Err(format!("expected `{name}` as F64, F32, F16 or BF16, found {other}")),
    }
}

fn convert<const BYTES: usize>(
    name: &str,
    data: &[u8],
    places: impl Iterator<Item = usize>,
    number: impl Fn([u8; BYTES]) -> f64,
    out: &mut Vec<f64>,
) -> Result<(), String> {
    let data = data.as_chunks::<BYTES>().0;
    for place in places {
        let x = number(data[place]);
        if !is_parameter(x) {
            return Err(format!(
                "expected numbers that are finite as F32 in `{name}`, found {x:.3e} at place {place}"
            ));
        }
        out.push(x);
    }
    Ok(())
}

/// The upper half of an F32.
fn from_bf16(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

/// IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction.
fn from_f16(bits: u16) -> f64 {
    const DENORMAL_UNIT: f64 = 1.0 / (1 << 24) as f64;
    let (exponent, fraction) = (bits >> 10 & 0x1f, bits & 0x3ff);
    let size = match exponent {
        0 => f64::from(fraction) * DENORMAL_UNIT,
        0x1f if fraction == 0 => f64::INFINITY,
        0x1f => f64::NAN,
        // 2^(exponent − 25), of which the fraction's bits are units.
        _ => f64::from(fraction | 0x400) * f64::from(1_u32 << (exponent - 1)) * DENORMAL_UNIT,
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dtype: Dtype, data: &[u8], length: usize) -> Result<Vec<f64>, String> {
        let mut out = Vec::new();
        let tensor = TensorView::new(dtype, vec![length], data).unwrap();
        append("w", &tensor, 0..length, &mut out)?;
        Ok(out)
    }

    /// Values of the table of examples in the article on half precision of IEEE 754-2008's binary16, and by hand.
    #[test]
    fn halves_are_exact() {
        let cases: [(u16, f64); 8] = [
            (0x0001, 5.960_464_477_539_063e-8),
            (0x03ff, 1023.0 / 16_777_216.0),
            (0x0400, 1.0 / 16_384.0),
            (0x3555, 1365.0 / 4096.0),
            (0x3c00, 1.0),
            (0x3c01, 1.0 + 1.0 / 1024.0),
            (0x7bff, 65504.0),
            (0xc000, -2.0),
        ];
        for (bits, expected) in cases {
            assert_eq!(read(Dtype::F16, &bits.to_le_bytes(), 1).unwrap(), [expected], "{bits:#x}");
        }
        assert_eq!(from_f16(0x8000).to_bits(), (-0.0_f64).to_bits());
    }

    #[test]
    fn brain_floats_are_upper_halves() {
        let bits: [u16; 3] = [0x3f80, 0xc049, 0x0001];
        let bytes: Vec<u8> = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let expected = [1.0, -3.140_625, f64::from(f32::from_bits(0x0001_0000))];
        assert_eq!(read(Dtype::BF16, &bytes, 3).unwrap(), expected);
    }

    #[test]
    fn numbers_that_f32_cannot_hold_are_told_with_their_place() {
        let bytes: Vec<u8> = [1.0, 1e39_f64].iter().flat_map(|x| x.to_le_bytes()).collect();
        let expected = "expected numbers that are finite as F32 in `w`, found 1.000e39 at place 1";
        assert_eq!(read(Dtype::F64, &bytes, 2).unwrap_err(), expected);
        for (dtype, bytes, found) in [
            (Dtype::F16, vec![0x00, 0x7c], "inf"),
            (Dtype::F16, vec![0x01, 0xfc], "NaN"),
            (Dtype::BF16, vec![0x80, 0xff], "-inf"),
            (Dtype::F32, f32::NAN.to_le_bytes().to_vec(), "NaN"),
        ] {
            let expected =
                format!("expected numbers that are finite as F32 in `w`, found {found} at place 0");
            assert_eq!(read(dtype, &bytes, 1).unwrap_err(), expected);
        }
    }

    #[test]
    fn other_types_are_refused_by_name() {
        let expected = "expected `w` as F64, F32, F16 or BF16, found I32";
        assert_eq!(read(Dtype::I32, &[0; 4], 1).unwrap_err(), expected);
    }
}
