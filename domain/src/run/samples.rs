//! One sample or more of every event of a run: with all that can be said, and with the least.

use rust_decimal::Decimal;

use super::events::{
    CapturedPart, CreationRef, Ending, FailureReason, ItemRef, OutputOutcome, Payer, ReportedCost, RequestedRun,
    RunEvent, Surface,
};
use crate::Credits;
use crate::catalog::{Capability, Checked, Choices, Dialect, MediaType, Mode};
use crate::event_book::{sample_credits, sample_id, sample_time};
use crate::ids::{AccountId, BatchId, CreationId, ProjectId, RunId, SealedId, TeamId};
use crate::money::{AppliedMultiplier, ChargingRule, Dimension, Quote, QuoteLine, Rounding, Unit};
use crate::wallet::LotKind;

/// Two pictures by one request with an idempotency key.
pub(crate) fn requested() -> RequestedRun {
    RequestedRun {
        account: AccountId(sample_id("account")),
        payer: Payer { wallet: AccountId(sample_id("account")).wallet(), team: None },
        team: None,
        key_id: Some(41),
        client_id: None,
        surface: Surface::Genfire,
        route: "POST /v1/images/generations".into(),
        operation: "images.generations.create".into(),
        request_id: "req_7f3a".into(),
        fingerprint: Some("9c1f".repeat(16)),
        parameters: checked(),
        model_alias: "nano_banana_2".into(),
        generator: None,
        preference: None,
        preference_two: None,
        workflow: None,
        project: None,
        inputs: SealedId(sample_id("inputs")),
        quote: quote(),
        creations: creations(2),
        item: None,
        provider: "sandbox".into(),
        provider_model: "nano-banana-2".into(),
        private: false,
        at: sample_time(0),
    }
}

fn creations(count: u64) -> Vec<CreationRef> {
    (700..700 + count)
        .map(|number| CreationRef { id: CreationId::numbered(crate::Shard::ZERO, number), number })
        .collect()
}

fn checked() -> Checked {
    Checked {
        model: "nano-banana-2".into(),
        dialect: Dialect::Genfire,
        capability: Capability::ImageGeneration,
        media_type: MediaType::Img,
        mode: Mode::TextToOutput,
        count: 2,
        prompt_chars: 42,
        characters: 0,
        aspect_ratio: Some("16:9".into()),
        duration_seconds: None,
        resolution: None,
        quality: None,
        generate_audio: false,
        images: 0,
        references: 0,
        source_video: false,
        first_frame: false,
        last_frame: false,
        reference_videos: 0,
        reference_audio: false,
        input_audio: false,
        media_seconds: None,
        scale_factor: None,
        voice: None,
        language: None,
        temperature: None,
        output_format: None,
        conditioning: 0,
        choices: Choices::default(),
    }
}

/// Two pictures at three credits.
fn quote() -> Quote {
    Quote {
        amount: Credits::whole(6),
        exact: Credits::whole(6),
        per_output: Credits::whole(3),
        outputs: 2,
        lines: vec![QuoteLine {
            what: "image.nano_banana_2".into(),
            unit: Unit::PerImage,
            quantity: Decimal::TWO,
            unit_price: Credits::whole(3),
            multiplier: Decimal::ONE,
            multipliers: vec![],
            amount: Credits::whole(6),
        }],
        price_book: "2026-11-01".into(),
        rounding: Rounding::WholeCredits,
        per_output_by_quality: [].into(),
    }
}

/// A request with everything that only few models let one choose.
pub(crate) fn requested_with_choices() -> RequestedRun {
    let choices = Choices {
        sync_mode: Some("cut_off".into()),
        length_hint: Some(Decimal::from(12)),
        prompt_influence: Some(Decimal::new(3, 1)),
        seamless: true,
        instrumental: true,
        details: true,
        timestamps: true,
        negative_prompt: true,
    };
    RequestedRun { parameters: Checked { conditioning: 4, choices, ..checked() }, ..requested() }
}

/// A request that uses all there is: an item of a batch that a team pays for, through a generator.
pub(crate) fn requested_in_full() -> RequestedRun {
    let team = TeamId(sample_id("team"));
    let account = AccountId(sample_id("account"));
    RequestedRun {
        payer: Payer { wallet: crate::ids::WalletId::allowance(team, account), team: Some(team) },
        surface: Surface::Generor,
        route: "POST /api/v1/generators/{slug}/generate".into(),
        operation: "generators.generate".into(),
        generator: Some("portrait".into()),
        preference: Some("oil".into()),
        preference_two: Some("warm".into()),
        parameters: checked_in_full(),
        quote: quote_in_full(),
        creations: creations(1),
        item: Some(ItemRef { batch: BatchId(sample_id("batch")), index: 3 }),
        private: true,
        ..requested()
    }
}

/// Made for a team, at the acting account's own cost.
fn requested_for_team() -> RequestedRun {
    RequestedRun { team: Some(TeamId(sample_id("team"))), ..requested() }
}

/// A workflow that makes a project.
fn requested_of_workflow() -> RequestedRun {
    let run = RunId(sample_id("run"));
    RequestedRun {
        route: "POST /v1/workflows/{workflowKey}/runs".into(),
        operation: "workflows.storyboard.run".into(),
        workflow: Some("storyboard".into()),
        project: Some(ProjectId::of_run(run)),
        creations: creations(1),
        private: true,
        ..requested()
    }
}

/// No request uses all of these at once; the shape of each is what the sample is for.
fn checked_in_full() -> Checked {
    Checked {
        model: "genfire-v1".into(),
        dialect: Dialect::Generor,
        capability: Capability::VideoGeneration,
        media_type: MediaType::Video,
        mode: Mode::ImageToOutput,
        count: 1,
        prompt_chars: 42,
        characters: 120,
        aspect_ratio: Some("9:16".into()),
        duration_seconds: Some(Decimal::from(5)),
        resolution: Some("1080p".into()),
        quality: Some("high".into()),
        generate_audio: true,
        images: 1,
        references: 2,
        source_video: true,
        first_frame: true,
        last_frame: true,
        reference_videos: 1,
        reference_audio: true,
        input_audio: true,
        media_seconds: Some(Decimal::new(125, 1)),
        scale_factor: Some(2),
        voice: Some("rachel".into()),
        language: Some("en".into()),
        temperature: Some(Decimal::new(7, 1)),
        output_format: Some("mp4".into()),
        conditioning: 0,
        choices: Choices::default(),
    }
}

fn quote_in_full() -> Quote {
    let (unit_price, exact) = (sample_credits(250_000), sample_credits(3_750_000));
    Quote {
        amount: Credits::whole(4),
        exact,
        per_output: exact,
        outputs: 1,
        lines: vec![QuoteLine {
            what: "video.genfire_v1".into(),
            unit: Unit::PerSecond,
            quantity: Decimal::from(5),
            unit_price,
            multiplier: Decimal::from(3),
            multipliers: vec![
                AppliedMultiplier { by: Dimension::Resolution, value: "1080p".into(), times: Decimal::TWO },
                AppliedMultiplier { by: Dimension::GenerateAudio, value: "true".into(), times: Decimal::new(15, 1) },
            ],
            amount: exact,
        }],
        price_book: "2026-11-01".into(),
        rounding: Rounding::WholeCredits,
        per_output_by_quality: [("high".to_owned(), exact), ("low".to_owned(), sample_credits(500_000))].into(),
    }
}

/// The least that a request can say.
fn requested_at_least() -> RequestedRun {
    RequestedRun { key_id: None, surface: Surface::CommandLine, fingerprint: None, ..requested() }
}

/// One that came with a token of an OAuth client.
fn requested_by_client() -> RequestedRun {
    RequestedRun { key_id: None, client_id: Some("gfo_oauth_1".into()), ..requested() }
}

/// A reason of that code.
pub(crate) fn reason(code: &str) -> FailureReason {
    FailureReason { code: code.into(), message: format!("Sample of {code}.") }
}

/// An ending that captured `parts`, 30 seconds in.
pub(crate) fn ending(rule: ChargingRule, parts: &[(LotKind, u32)]) -> Ending {
    let captured_parts: Vec<_> =
        parts.iter().map(|(kind, amount)| CapturedPart { kind: *kind, amount: Credits::whole(*amount) }).collect();
    let captured = captured_parts.iter().map(|part| part.amount).sum();
    Ending { at: sample_time(30), rule, captured, captured_parts, reported_cost: None }
}

fn with_cost(ending: Ending) -> Ending {
    let cost = ReportedCost { amount: "0.0391".into(), currency: "USD".into() };
    Ending { reported_cost: Some(cost), ..ending }
}

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<RunEvent> {
    [attempts(), endings()].concat()
}

fn attempts() -> Vec<RunEvent> {
    let attempt = 1;
    let at = sample_time(1);
    vec![
        RunEvent::Requested(Box::new(requested())),
        RunEvent::Requested(Box::new(requested_in_full())),
        RunEvent::Requested(Box::new(requested_at_least())),
        RunEvent::Requested(Box::new(requested_of_workflow())),
        RunEvent::Requested(Box::new(requested_by_client())),
        RunEvent::Requested(Box::new(requested_with_choices())),
        RunEvent::Requested(Box::new(requested_for_team())),
        RunEvent::SubmitIntended {
            attempt,
            provider: "sandbox".into(),
            client_id: "run_00_1".into(),
            node: "node-a".into(),
            submit_by: sample_time(60),
            at,
        },
        RunEvent::TakenOver { attempt, node: "node-b".into(), at },
        RunEvent::Submitted { attempt, provider_request_id: "prv-77".into(), at },
        RunEvent::SubmitDisproved { attempt, reason: reason("not_sent"), at },
        RunEvent::OutcomeUnknown { attempt, reason: reason("reply_lost"), until: sample_time(86_400), at },
        RunEvent::CancelRequested { by: AccountId(sample_id("account")).to_string(), at },
    ]
}

fn endings() -> Vec<RunEvent> {
    let by = || "operator".to_owned();
    let failed = || OutputOutcome::Failed(reason("moderated"));
    let none = |rule| ending(rule, &[]);
    vec![
        RunEvent::Succeeded {
            attempt: 1,
            outputs: vec![OutputOutcome::Delivered, failed()],
            ending: with_cost(ending(ChargingRule::PartialDelivery, &[(LotKind::Free, 1), (LotKind::Paid, 2)])),
        },
        RunEvent::Failed {
            attempt: Some(1),
            reason: reason("provider_failed"),
            ending: with_cost(none(ChargingRule::ProviderFailed)),
        },
        RunEvent::Failed { attempt: None, reason: reason("refused"), ending: none(ChargingRule::RefusedBeforeSubmit) },
        RunEvent::Cancelled {
            attempt: Some(1),
            by: by(),
            outputs: vec![OutputOutcome::Delivered, failed()],
            ending: with_cost(ending(ChargingRule::CancelledWhileRunning, &[(LotKind::Earned, 3)])),
        },
        RunEvent::Cancelled {
            attempt: None,
            by: by(),
            outputs: vec![],
            ending: none(ChargingRule::CancelledWhileQueued),
        },
        RunEvent::SettledByHand {
            by: by(),
            reason: reason("settled_by_hand"),
            ending: none(ChargingRule::OutcomeNeverKnown),
        },
        RunEvent::Refunded {
            reference: "ticket-5".into(),
            amount: Credits::whole(2),
            parts: vec![
                CapturedPart { kind: LotKind::Free, amount: Credits::whole(1) },
                CapturedPart { kind: LotKind::Paid, amount: Credits::whole(1) },
            ],
            by: by(),
            reason: "the picture was blank".into(),
            at: sample_time(90),
        },
        RunEvent::BilledLate {
            attempt: 1,
            rule: ChargingRule::LateProviderBill,
            reported_cost: ReportedCost { amount: "0.0391".into(), currency: "USD".into() },
            at: sample_time(95),
        },
    ]
}
