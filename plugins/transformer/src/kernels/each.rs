//! Arrays in registers.
#![allow(clippy::inline_always, reason = "part of a kernel")]

/// The values of a function of 0, 1, …: as [`std::array::from_fn`], which is not always inlined.
#[inline(always)]
pub(super) fn each<T: Copy, const N: usize>(f: impl Fn(usize) -> T) -> [T; N] {
    let mut values = [f(0); N];
    for (i, value) in values.iter_mut().enumerate().skip(1) {
        *value = f(i);
    }
    values
}
