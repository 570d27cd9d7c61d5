//! Use cases: what the outside asks of Mintmark. Adapters parse, call one of these, and map the
//! answer; nothing about business state is decided anywhere else.

mod accept_run;
mod accounts;
mod authenticate;
mod batch_items;
mod batches;
mod cancel_run;
mod characters;
mod claims;
mod cli_login;
mod conclude_run;
mod core;
mod creations;
mod credits;
mod generate;
mod gifts;
mod influencers;
mod item_packs;
mod judging;
mod keys;
mod oauth;
mod payments;
mod people;
mod prepared;
mod profiles;
mod projects;
mod refusal;
mod run_view;
mod shown;
mod sign_in;
mod social_refusals;
mod submission;
mod team_wallet;
mod teams;
mod webhook_texts;
mod webhooks;
mod workflows;

pub use accept_run::{Accepted, IdempotencyKey, RunRequest, WorkflowRef};
pub use accounts::{AccountView, Registered, Registration};
pub use authenticate::{Caller, Credential, IssuedKey};
pub use batch_items::{ItemStart, OpenedItem};
pub use batches::{AcceptedBatch, BatchItemRequest, BatchRequest};
pub use cancel_run::Cancelled;
pub use characters::{NAME_CHARS_MAX, VoiceDetails, VoiceView};
pub use cli_login::{
    CLI_CLIENT, CLI_DEFAULT_SCOPES, CLI_SESSION_MINUTES, CliKey, CliLogin, CliProblem, LABEL_CHARS_MAX, PKCE_CHARS,
};
pub use conclude_run::{Conclusion, Delivery, DeliveryContent, TRANSCRIBED_AUDIO};
pub use core::{BonusAmounts, BonusPolicy, Core, Settings};
pub use creations::CreationChange;
pub use credits::{Grant, Granted, WalletView};
pub use generate::{GeneratorRequest, scope_to_generate};
pub use gifts::{GIFT_CARRIER, NewGift, SentGiftView};
pub use influencers::{InfluencerChange, InfluencerDetails, InfluencerView, MENTIONS_MAX};
pub use judging::MEASURED_BYTES_MAX;
pub use keys::NewKey;
pub use oauth::{NewClient, NewToken, TOKEN_SECONDS};
pub use payments::{Happened, NotedPayment, PaymentNotice};
pub use people::NewComment;
pub use profiles::{AVATAR_BYTES_MAX, AvatarSource, ProfileChange};
pub use projects::{ProjectView, StageView};
pub use refusal::{ErrorClass, Refusal};
pub use run_view::{CreationView, RunView};
pub use sign_in::{LINK_DAYS, NewSession, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, SESSION_DAYS, SESSION_IDLE_HOURS};
pub use submission::SubmitPlan;
pub use team_wallet::{ForTeam, MemberShare, TeamWalletView};
pub use teams::TeamView;
pub use webhook_texts::OpenedWebhooks;
pub use webhooks::{
    NewWebhook, ROTATION_OVERLAP_HOURS, ROTATION_OVERLAP_HOURS_MAX, WEBHOOK_DESCRIPTION_CHARS_MAX,
    WEBHOOK_URL_CHARS_MAX, WebhookChange, WebhookView,
};
pub use workflows::{ExtractionRequest, WorkflowRequest};
