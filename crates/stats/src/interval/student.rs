//! Student's t.

use super::Interval;
use crate::FEWEST_FOR_INTERVAL;
use crate::moments::std_error_around;

/// 97.5 % quantiles of Student's t with 4, 5, … 30 degrees of freedom.
const QUANTILES: [f64; 27] = [
    2.776_445_105_197_793_4,
    2.570_581_835_636_314_6,
    2.446_911_851_144_978_6,
    2.364_624_251_592_784,
    2.306_004_135_204_166,
    2.262_157_162_798_205,
    2.228_138_851_986_274,
    2.200_985_160_091_639,
    2.178_812_829_667_228_4,
    2.160_368_656_462_791_3,
    2.144_786_687_917_804,
    2.131_449_545_559_776,
    2.119_905_299_221_254_6,
    2.109_815_577_833_315_6,
    2.100_922_040_241_038_2,
    2.093_024_054_408_308_7,
    2.085_963_447_265_864,
    2.079_613_844_727_679_5,
    2.073_873_067_904_025_4,
    2.068_657_610_419_048_6,
    2.063_898_561_628_024_5,
    2.059_538_552_753_297_2,
    2.055_529_438_642_873_5,
    2.051_830_516_480_284_6,
    2.048_407_141_795_245_4,
    2.045_229_642_132_703,
    2.042_272_456_301_237_8,
];

/// Its expansion in the inverse number of degrees of freedom: within 2e-8 beyond 30. Abramowitz, Stegun (1964), 26.7.5.
const EXPANSION: [f64; 5] = [
    1.959_963_984_540_054,
    2.372_271_230_298_562,
    2.822_498_615_739_611,
    2.555_849_679_507_722,
    1.589_534_053_393_823,
];

/// The 97.5 % quantile of Student's t with `n` − 1 degrees of freedom, of at least [`FEWEST_FOR_INTERVAL`] values.
pub(super) fn quantile(n: usize) -> f64 {
    if let Some(quantile) = QUANTILES.get(n - FEWEST_FOR_INTERVAL) {
        return *quantile;
    }
    let inverse = 1.0 / (n - 1) as f64;
    EXPANSION.iter().rfold(0.0, |sum, term| sum * inverse + term)
}

/// Student's interval of values with the given mean.
pub(super) fn interval(values: &[f64], mean: f64) -> Interval {
    let t = quantile(values.len());
    Interval { low: -t, high: t }.moved(mean, std_error_around(values, mean))
}
