//! What a plugin offers, wherever it comes from.

use crate::handles::{BaseModelHandle, ObjectiveHandle, PolicyHandle, Shape, VerifierHandle, unwrap};
use crate::memo::Memo;
use crate::watch::{self, Called, Watched};
use abi_stable::StableAbi;
use pstar_core::abi::{BaseModelBox, Entry_Ref, ObjectiveBox, PluginRoot_Ref, PolicyBox, VerifierBox};
use pstar_core::config;
use pstar_core::files::FileRead;
use pstar_core::{Field, PluginError, Task};

/// The components of a plugin.
#[derive(Debug)]
pub struct Plugin {
    /// Version of the plugin's package.
    pub version: String,
    /// Version of the interface that it was built against.
    pub interface: String,
    /// Its verifiers.
    pub verifiers: Vec<Component<VerifierHandle>>,
    /// Its base models.
    pub base_models: Vec<Component<BaseModelHandle>>,
    /// Its policies.
    pub policies: Vec<Component<PolicyHandle>>,
    /// Its objectives.
    pub objectives: Vec<Component<ObjectiveHandle>>,
}

impl Plugin {
    /// The components behind a root: of an opened file, or of this program itself.
    pub fn of(root: PluginRoot_Ref) -> Self {
        Self {
            version: root.version().into(),
            interface: root.interface().into(),
            verifiers: Component::list(root.verifiers().as_slice()),
            base_models: Component::list(root.base_models().as_slice()),
            policies: Component::list(root.policies().as_slice()),
            objectives: Component::list(root.objectives().as_slice()),
        }
    }
}

/// Makes a component from the RON texts of its configuration and of the task.
type Maker<H> = dyn Fn(&str, &str) -> Result<<H as Handle>::Boxed, PluginError> + Send + Sync;

/// A component that can be made.
pub struct Component<H: Handle> {
    /// The name that experiments use.
    pub name: String,
    /// One sentence about it.
    pub doc: String,
    /// The fields of its configuration, where its author lists them.
    pub fields: Vec<Field>,
    /// What it understands beyond the plain interface.
    pub offers: Vec<String>,
    make: Box<Maker<H>>,
    /// Configurations that it is not made from, and why.
    avoided: Vec<(String, String)>,
}

impl<H: Handle> std::fmt::Debug for Component<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<H: Handle> Component<H> {
    /// A component that `make` makes from the RON texts of its configuration and of the task.
    pub fn new(
        name: impl Into<String>,
        doc: impl Into<String>,
        fields: Vec<Field>,
        make: impl Fn(&str, &str) -> Result<H::Boxed, PluginError> + Send + Sync + 'static,
    ) -> Self {
        let offers = Vec::new();
        Self { name: name.into(), doc: doc.into(), fields, offers, make: Box::new(make), avoided: Vec::new() }
    }

    fn list(entries: &'static [Entry_Ref<H::Boxed>]) -> Vec<Self> {
        let describe = |&entry: &Entry_Ref<H::Boxed>| {
            let fields = config::parse(entry.fields().as_str()).unwrap_or_default();
            let create = entry.create();
            let make =
                move |configuration: &str, task: &str| unwrap(create(configuration.into(), task.into()));
            let offers = entry.offers().as_str().split_ascii_whitespace().map(String::from).collect();
            Self { offers, ..Self::new(entry.name(), entry.doc(), fields, make) }
        };
        entries.iter().map(describe).collect()
    }

    /// Makes the component from the RON text of its configuration.
    ///
    /// # Errors
    /// If the component refuses the configuration or panics.
    pub fn create(&self, configuration: &str, task: &Task) -> Result<H, PluginError> {
        self.create_for(configuration, &TaskText::of(task)?)
    }

    /// As [`create`](Self::create), for a task that many components are made for.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_for(&self, configuration: &str, task: &TaskText) -> Result<H, PluginError> {
        if let Some(avoided) = self.avoided(configuration) {
            return Err(PluginError::contract(avoided));
        }
        watch::entered(Called { kind: H::KIND, name: &self.name, configuration, making: true, id: 0 });
        let made = (self.make)(configuration, &task.text);
        watch::left();
        let mut handle = H::wrap(self.name.clone(), configuration, made?, task.shape);
        handle.remember(&self.offers);
        Ok(handle)
    }

    /// Refuses, from now on, to make the component from a configuration, or those that begin with it: it would end the
    /// process.
    pub fn avoid(&mut self, configuration: &str, why: &str) {
        self.avoided.push((configuration.into(), why.into()));
    }

    /// Why the component is not made from a configuration, if it is not.
    pub fn avoided(&self, configuration: &str) -> Option<&str> {
        self.avoided.iter().find(|(known, _)| configuration.starts_with(known)).map(|(_, why)| why.as_str())
    }
}

/// A task as it is told to components: written once for all of them.
#[derive(Clone, Debug)]
pub struct TaskText {
    text: String,
    shape: Shape,
}

impl TaskText {
    /// Of a task.
    ///
    /// # Errors
    /// If the task cannot be written.
    pub fn of(task: &Task) -> Result<Self, PluginError> {
        let text = config::options().to_string(task);
        let text =
            text.map_err(|error| PluginError::contract(format!("the task cannot be written: {error}")))?;
        Ok(Self { text, shape: Shape::of(task) })
    }
}

/// A handle on a component of one kind.
pub trait Handle: Sized + 'static {
    /// What it is, in words.
    const KIND: &'static str;
    /// The object of the binary interface behind it.
    type Boxed: StableAbi + 'static;
    /// The handle on `boxed`, which was made from a configuration, for outputs of a shape.
    fn wrap(name: String, configuration: &str, boxed: Self::Boxed, shape: Shape) -> Self;
    /// Makes room for answers that are worth keeping, where the words of what the component offers say so.
    fn remember(&mut self, _words: &[String]) {}
}

macro_rules! handle {
    ($handle:ty, $boxed:ty, $kind:literal $(, shape: $shape:ident)? $(, memo: $memo:ident)?) => {
        impl Handle for $handle {
            const KIND: &'static str = $kind;
            type Boxed = $boxed;
            fn wrap(name: String, configuration: &str, inner: $boxed, _shape: Shape) -> Self {
                let inner = Watched::new($kind, &name, configuration, inner);
                Self { name, inner $(, $shape: _shape)? $(, $memo: None, noise: None)? }
            }
            $(fn remember(&mut self, words: &[String]) {
                let asks = words.iter().any(|word| word == "judges");
                self.$memo = asks.then(Memo::default);
            })?
        }

        impl $handle {
            /// The files that the component was made from; `None` where it does not tell.
            ///
            /// # Errors
            /// If the component fails or its answer cannot be read.
            pub fn files(&self) -> Result<Option<Vec<FileRead>>, PluginError> {
                let text = unwrap(self.inner.call().files())?.into_option();
                text.map(|text| config::parse(text.as_str())).transpose()
            }
        }

        impl std::fmt::Debug for $handle {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($handle)).field("name", &self.name).finish_non_exhaustive()
            }
        }
    };
}

handle!(VerifierHandle, VerifierBox, "verifier", memo: memo);
handle!(BaseModelHandle, BaseModelBox, "base model", shape: shape);
handle!(PolicyHandle, PolicyBox, "policy", shape: shape);
handle!(ObjectiveHandle, ObjectiveBox, "objective");
