//! The document's names for what a run is asked for, wherever a sentence names it.

use mintmark_domain::catalog::{AskField, AskReason, Mode};
use mintmark_domain::run::FailureReason;
use mintmark_domain::usecases::Refusal;

use crate::http::Problem;

/// The document's names for what is asked of a model.
fn name(field: AskField) -> &'static str {
    match field {
        AskField::Model => "model_id",
        AskField::Prompt | AskField::Characters => "prompt",
        AskField::Images | AskField::FirstFrame => "image_url",
        AskField::LastFrame => "ending_frame_url",
        AskField::References => "reference_images",
        AskField::SourceVideo => "video_url",
        AskField::DurationSeconds => "seconds",
        AskField::AspectRatio
        | AskField::Count
        | AskField::Resolution
        | AskField::Quality
        | AskField::ReferenceVideos
        | AskField::ReferenceAudio
        | AskField::InputAudio
        | AskField::MediaSeconds
        | AskField::ScaleFactor
        | AskField::Voice
        | AskField::Language
        | AskField::Temperature
        | AskField::OutputFormat
        | AskField::SyncMode
        | AskField::PromptInfluence
        | AskField::NegativePrompt => field.as_str(),
    }
}

/// What a model that is driven so takes.
fn takes(mode: Mode) -> &'static str {
    match mode {
        Mode::TextToOutput => "a prompt alone",
        Mode::ImageToOutput | Mode::Vision => "image_url",
        Mode::References => "reference_images",
        Mode::SourceVideo => "video_url",
        Mode::MotionControl => "image_url with video_url",
        Mode::FirstLastFrame => "image_url with ending_frame_url",
        Mode::SourceVideoWithReferences => "video_url with reference_images",
        Mode::Lipsync => "video_url with a sound",
        Mode::Transcription => "a recording",
    }
}

/// The document's name for an input as runs call it; it has one source image.
fn input(field: &str) -> &str {
    match field {
        "images" | "images[0]" | "first_frame" => "image_url",
        "last_frame" => "ending_frame_url",
        "source_video" => "video_url",
        other => other,
    }
}

/// A refusal in the document's words.
pub(super) fn refused(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::Ask(problem) if problem.reason == AskReason::NotOffered => {
            Problem::invalid("model_id is not the id of a model; GET /api/v1/models lists them.")
                .coded("model_not_found")
        }
        Refusal::Ask(problem) if problem.reason == AskReason::Combination => {
            let modes = Mode::ALL.into_iter().filter(|mode| problem.allowed.iter().any(|name| name == mode.as_str()));
            let allowed: Vec<&str> = modes.map(takes).collect();
            let message = format!(
                "The inputs do not fit this model: see {}. It takes {}.",
                name(problem.field),
                allowed.join("; or ")
            );
            Problem { message, ..Problem::refused(refusal, name) }
        }
        Refusal::Input { field, problem } => {
            Problem::refused(&Refusal::Input { field: input(field), problem: problem.clone() }, name)
        }
        other => Problem::refused(other, name),
    }
}

/// Why something was not made, in the document's names for the inputs. What a provider says is left as it is.
pub(super) fn failure(reason: &FailureReason) -> String {
    if !reason.is_of_an_input() {
        return reason.message.clone();
    }
    reason.message.split(' ').map(input).collect::<Vec<_>>().join(" ")
}
