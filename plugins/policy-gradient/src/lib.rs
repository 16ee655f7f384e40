//! Policy gradients of the reward, made of blocks: what a sequence gets, what is subtracted, what it is divided by, the
//! ratio to what sampled and its clip, how tokens add up, penalties. Named objectives are presets of these.

mod blocks;
mod cautions;
mod expectation;
mod objective;
mod presets;
mod rough_exp;
mod rough_ln;
mod step;

use objective::Named;
use presets::{diversity, grpo, pass_at_k, plain, prompt, ratio};

pstar_core::export_plugin!(objective_presets: [
    Named<plain::Blocks>,
    Named<plain::Rloo>,
    Named<plain::PpoClip>,
    Named<plain::ReinforcePlusPlus>,
    Named<plain::ReinforcePlusPlusBaseline>,
    Named<plain::Opo>,
    Named<plain::Gpg>,
    Named<plain::Asymre>,
    Named<plain::Psr>,
    Named<plain::Nsr>,
    Named<plain::WReinforce>,
    Named<grpo::Grpo>,
    Named<grpo::GrpoTrl>,
    Named<grpo::GrpoVerl>,
    Named<grpo::GrpoOpenrlhf>,
    Named<grpo::GrpoPrimeRl>,
    Named<grpo::GrpoSkyrl>,
    Named<grpo::GrpoSlime>,
    Named<grpo::GrpoOpenInstruct>,
    Named<grpo::GrpoNemoRl>,
    Named<grpo::GrpoRoll>,
    Named<grpo::GrpoTrinity>,
    Named<grpo::GrpoTinker>,
    Named<grpo::DrGrpo>,
    Named<grpo::DrGrpoVerl>,
    Named<grpo::DrGrpoRoll>,
    Named<grpo::Dapo>,
    Named<grpo::OneSidedGrpo>,
    Named<prompt::Maxrl>,
    Named<prompt::MaxrlOrderG>,
    Named<prompt::MaxrlMisc>,
    Named<prompt::MaxrlPrimeRl>,
    Named<prompt::MaxrlSkyrl>,
    Named<prompt::Maclaurin>,
    Named<prompt::Tsallis>,
    Named<prompt::FGrpo>,
    Named<prompt::Bbg>,
    Named<prompt::Curverl>,
    Named<pass_at_k::Pkpo>,
    Named<pass_at_k::MaxAtK>,
    Named<pass_at_k::PassAtK>,
    Named<pass_at_k::GrpoPassAtK>,
    Named<diversity::Unlikely>,
    Named<diversity::Ucpo>,
    Named<diversity::IpsGrpo>,
    Named<diversity::CueGrpo>,
    Named<diversity::UniquenessAware>,
    Named<diversity::DsGrpo>,
    Named<diversity::ClipCov>,
    Named<diversity::KlCov>,
    Named<ratio::Gspo>,
    Named<ratio::Gmpo>,
    Named<ratio::Luspo>,
    Named<ratio::Cispo>,
    Named<ratio::CispoTrl>,
    Named<ratio::CispoSkyrl>,
    Named<ratio::CispoRoll>,
    Named<ratio::CispoOpenInstruct>,
    Named<ratio::CispoTrinity>,
    Named<ratio::Sapo>,
    Named<ratio::Vespo>,
    Named<ratio::Dppo>,
    Named<ratio::DppoKl>,
    Named<ratio::Topr>,
    Named<ratio::Dro>,
]);
