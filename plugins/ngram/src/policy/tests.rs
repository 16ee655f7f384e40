//! Gradients and fits.
