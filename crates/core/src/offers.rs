//! What components of each kind understand beyond the plain interface.
//!
//! A host asks here before it relies on something that came later than the interface's first version: words are added and
//! never taken away. What changes the meaning of an answer is safe without asking too: it crosses as a column that a
//! reader who does not know it refuses (see [`Columns::refuse_unknown`](crate::abi::Columns::refuse_unknown)).

/// Verifiers that tell what answer a response gives, whatever its spelling; that judge many at once, and may have no
/// verdict.
pub(crate) const VERIFIER: &str = "answers judges";
/// Base models.
pub(crate) const BASE_MODEL: &str = "";
/// Policies.
pub(crate) const POLICY: &str = "tensors";
/// Objectives.
pub(crate) const OBJECTIVE: &str = "epochs sources outcomes";

/// The words of a verifier that offers some of [`VERIFIER`].
pub(crate) fn of_verifier(answers: bool, judges: bool) -> &'static str {
    match (answers, judges) {
        (true, true) => VERIFIER,
        (true, false) => "answers",
        (false, true) => "judges",
        (false, false) => "",
    }
}
