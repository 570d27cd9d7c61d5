//! What a key may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// One thing a key may do. The fine ones are GenFire's; `read`, `write` and `generate` are
        /// Generor's, each of which stands for several (decision 17).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Scope {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Scope {
            /// Every scope there is.
            pub const ALL: &'static [Scope] = &[$(Scope::$name,)*];

            /// Its name in every dialect.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Scope::$name => $text,)*
                }
            }
        }
    };
}

scopes! {
    /// See the account.
    AccountRead = "account:read",
    /// Make speech, music and sounds.
    AudioWrite = "audio:write",
    /// See batches.
    BatchesRead = "batches:read",
    /// Make batches.
    BatchesWrite = "batches:write",
    /// See the balance and its history.
    CreditsRead = "credits:read",
    /// Make images.
    ImagesWrite = "images:write",
    /// See influencers.
    InfluencersRead = "influencers:read",
    /// Make lip-synced videos.
    LipsyncWrite = "lipsync:write",
    /// See models and prices.
    ModelsRead = "models:read",
    /// Extract products.
    ProductsWrite = "products:write",
    /// See runs.
    RunsRead = "runs:read",
    /// Upload files.
    UploadsWrite = "uploads:write",
    /// Make videos.
    VideosWrite = "videos:write",
    /// See webhook endpoints and deliveries.
    WebhooksRead = "webhooks:read",
    /// Change webhook endpoints.
    WebhooksWrite = "webhooks:write",
    /// See workflows.
    WorkflowsRead = "workflows:read",
    /// Run workflows; make texts.
    WorkflowsWrite = "workflows:write",
    /// See events.
    EventsRead = "events:read",
    /// Follow, comment, rate, vote, give credits away, change creations.
    SocialWrite = "social:write",
    /// Make and leave teams.
    TeamsWrite = "teams:write",
    /// Issue and revoke keys.
    KeysWrite = "keys:write",
    /// Change the profile.
    ProfileWrite = "profile:write",
    /// Everything that reads.
    Read = "read",
    /// Everything that changes and is not generation.
    Write = "write",
    /// Everything that generates.
    Generate = "generate",
    /// Read the books of all accounts; from the command line only.
    AuditRead = "audit:read",
    /// Operate; from the command line only.
    Admin = "admin",
}

impl Scope {
    /// The fine scopes that this one stands for; itself if it is fine.
    #[must_use]
    pub fn expanded(self) -> &'static [Scope] {
        use Scope::{
            AccountRead, Admin, AudioWrite, AuditRead, BatchesRead, BatchesWrite, CreditsRead, EventsRead, Generate,
            ImagesWrite, InfluencersRead, KeysWrite, LipsyncWrite, ModelsRead, ProductsWrite, ProfileWrite, Read,
            RunsRead, SocialWrite, TeamsWrite, UploadsWrite, VideosWrite, WebhooksRead, WebhooksWrite, WorkflowsRead,
            WorkflowsWrite, Write,
        };
        match self {
            Read => &[
                AccountRead,
                BatchesRead,
                CreditsRead,
                InfluencersRead,
                ModelsRead,
                RunsRead,
                WebhooksRead,
                WorkflowsRead,
                EventsRead,
            ],
            Generate => {
                &[ImagesWrite, VideosWrite, LipsyncWrite, AudioWrite, ProductsWrite, WorkflowsWrite, BatchesWrite]
            }
            Write => &[WebhooksWrite, UploadsWrite, SocialWrite, TeamsWrite, KeysWrite, ProfileWrite],
            AccountRead => &[AccountRead],
            AudioWrite => &[AudioWrite],
            BatchesRead => &[BatchesRead],
            BatchesWrite => &[BatchesWrite],
            CreditsRead => &[CreditsRead],
            ImagesWrite => &[ImagesWrite],
            InfluencersRead => &[InfluencersRead],
            LipsyncWrite => &[LipsyncWrite],
            ModelsRead => &[ModelsRead],
            ProductsWrite => &[ProductsWrite],
            RunsRead => &[RunsRead],
            UploadsWrite => &[UploadsWrite],
            VideosWrite => &[VideosWrite],
            WebhooksRead => &[WebhooksRead],
            WebhooksWrite => &[WebhooksWrite],
            WorkflowsRead => &[WorkflowsRead],
            WorkflowsWrite => &[WorkflowsWrite],
            EventsRead => &[EventsRead],
            SocialWrite => &[SocialWrite],
            TeamsWrite => &[TeamsWrite],
            KeysWrite => &[KeysWrite],
            ProfileWrite => &[ProfileWrite],
            AuditRead => &[AuditRead],
            Admin => &[Admin],
        }
    }

    /// Whether only the command line may grant it.
    #[must_use]
    pub fn is_operators(self) -> bool {
        matches!(self, Scope::AuditRead | Scope::Admin)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope {0:?}")]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Scope::ALL.iter().copied().find(|scope| scope.as_str() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// What a key was granted: everything an account may do, or a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scopes {
    /// Everything but what only the command line grants.
    Full,
    /// These, each once; sorted where they were granted, in the order in which they were asked for where
    /// they are only asked for ([`Scopes::asked`]).
    Only(Vec<Scope>),
}

impl Scopes {
    /// A list of scopes; sorted, each once.
    #[must_use]
    pub fn only(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut scopes: Vec<Scope> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Scopes::Only(scopes)
    }

    /// A list of scopes as somebody asks for them: in their order, each once.
    #[must_use]
    pub fn asked(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut asked = Vec::new();
        for scope in scopes {
            if !asked.contains(&scope) {
                asked.push(scope);
            }
        }
        Scopes::Only(asked)
    }

    /// The same as it is granted: sorted.
    #[must_use]
    pub fn granted(&self) -> Self {
        match self {
            Scopes::Full => Scopes::Full,
            Scopes::Only(scopes) => Scopes::only(scopes.iter().copied()),
        }
    }

    /// Whether `scope` is granted; a coarse scope is if all that it stands for is.
    #[must_use]
    pub fn allow(&self, scope: Scope) -> bool {
        match self {
            Scopes::Full => !scope.is_operators(),
            Scopes::Only(granted) => {
                scope.expanded().iter().all(|fine| granted.iter().any(|granted| granted.expanded().contains(fine)))
            }
        }
    }

    /// Whether everything that `other` allows is allowed here too.
    #[must_use]
    pub fn cover(&self, other: &Scopes) -> bool {
        match (self, other) {
            (Scopes::Full, Scopes::Full) => true,
            (Scopes::Only(_), Scopes::Full) => false,
            (_, Scopes::Only(asked)) => asked.iter().all(|scope| self.allow(*scope)),
        }
    }

    /// What was granted, by name; empty for full access.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        match self {
            Scopes::Full => Vec::new(),
            Scopes::Only(granted) => granted.iter().map(|scope| scope.as_str()).collect(),
        }
    }
}
