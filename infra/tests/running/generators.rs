//! What reaches the provider of what was asked of a generator.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mintmark_domain::catalog::{Dialect, Mode, PreferenceValue};
use mintmark_domain::creation::Privacy;
use mintmark_domain::ports::{
    CancelReply, InputRole, Job, Probe, Provider, ProviderTraits, ProviderUnreachable, Submission, SubmitError,
};
use mintmark_domain::run::RunStatus;
use mintmark_domain::usecases::GeneratorRequest;
use mintmark_infra::providers::Sandbox;

use super::support::*;

/// A sandbox that keeps what it was handed.
struct Listener {
    sandbox: Sandbox,
    heard: Mutex<Vec<Job>>,
}

#[async_trait]
impl Provider for Listener {
    fn name(&self) -> &str {
        "sandbox"
    }

    fn traits(&self) -> ProviderTraits {
        self.sandbox.traits()
    }

    async fn submit(&self, job: &Job) -> Result<Submission, SubmitError> {
        self.heard.lock().unwrap().push(job.clone());
        self.sandbox.submit(job).await
    }

    async fn probe(&self, client_id: &str) -> Result<Probe, ProviderUnreachable> {
        self.sandbox.probe(client_id).await
    }

    async fn cancel(&self, client_id: &str) -> Result<CancelReply, ProviderUnreachable> {
        self.sandbox.cancel(client_id).await
    }
}

fn request(generator: &str, model: &str, prompt: &str) -> GeneratorRequest {
    GeneratorRequest {
        team: None,
        dialect: Dialect::Generor,
        generator: generator.into(),
        model: Some(model.into()),
        prompt: prompt.into(),
        privacy: Privacy::Public,
        count: None,
        language: None,
        temperature: None,
        preference: None,
        preference_two: None,
        aspect_ratio: None,
        seconds: None,
        generate_audio: None,
        image: None,
        ending_frame: None,
        reference_images: Vec::new(),
        reference_videos: Vec::new(),
        reference_audio: None,
        video: None,
        route: "POST /api/v1/generators/{slug}/generate".into(),
        operation: "generators.generate".into(),
        idempotency: None,
    }
}

/// Runs a request to its end; the one job that was handed over for it.
async fn heard(request: GeneratorRequest) -> Job {
    let world = World::new().await;
    let listener = Arc::new(Listener { sandbox: instant(&world).await, heard: Mutex::default() });
    let node = world.node("a", Arc::clone(&listener) as Arc<dyn Provider>).await;
    let caller = node.account("ann", "1000").await;
    let accepted = node.core.generate(&caller, request).await.unwrap();
    assert_eq!(node.ended(accepted.run_id).await.status(), RunStatus::Succeeded);
    let mut jobs = std::mem::take(&mut *listener.heard.lock().unwrap());
    assert_eq!(jobs.len(), 1);
    jobs.remove(0)
}

fn addresses(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("https://example.com/{name}")).collect()
}

/// The addresses of the inputs of a role, in the order in which the provider gets them.
fn given(job: &Job, role: InputRole) -> Vec<String> {
    let of_role = job.media.iter().filter(|media| media.role == role);
    of_role.map(|media| String::from_utf8(media.bytes.to_vec()).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn language_temperature_and_preferences_reach_the_provider_in_words_and_by_value() {
    let job = heard(GeneratorRequest {
        language: Some("nb-NO".into()),
        temperature: Some("0.7".parse().unwrap()),
        preference: Some(PreferenceValue::Text("pun".into())),
        preference_two: Some(PreferenceValue::Integer(2)),
        ..request("joke", "3", "Penguins")
    })
    .await;
    assert_eq!(
        job.prompt,
        "Tell a joke that lives off a play on words in nb-NO, so that an eight-year-old gets it. \
         Topic or wish:\nPenguins"
    );
    assert_eq!(job.asked.as_deref(), Some("Penguins"));
    assert_eq!(job.parameters.language.as_deref(), Some("nb-NO"));
    assert_eq!(job.parameters.temperature.map(|heat| heat.to_string()).as_deref(), Some("0.7"));
    assert_eq!((job.generator.as_deref(), job.preferences), (Some("joke"), [Some("pun".into()), Some("2".into())]));
    let names: Vec<&str> = job.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["text", "illustration_desc"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_chosen_reaches_the_provider_as_the_generators_default() {
    let job = heard(request("haiku", "3", "The first frost")).await;
    assert_eq!(job.preferences, [Some("any".into()), Some("quiet".into())]);
    assert_eq!(job.parameters.language.as_deref(), Some("auto"));
    assert_eq!(job.parameters.temperature, None);
    assert!(job.prompt.contains("the language of the prompt") && job.prompt.contains("whichever the moment suggests"));
    assert!(!job.prompt.contains('{'), "{}", job.prompt);
}

#[tokio::test(start_paused = true)]
async fn references_keep_the_order_in_which_the_prompt_numbers_them() {
    let prompt = "The character from [Image1] walks through the forest from [Image2] to the [Image3]";
    let asked = addresses(&["zebra.jpg", "alder.jpg", "mill.jpg"]);
    let job = heard(GeneratorRequest { reference_images: asked.clone(), ..request("video", "20050", prompt) }).await;
    assert_eq!((job.parameters.mode, job.parameters.references), (Mode::References, 3));
    assert_eq!(given(&job, InputRole::Reference), asked);
    assert_eq!(job.prompt, prompt, "the numbers stay as they were written");
}

#[tokio::test(start_paused = true)]
async fn references_of_every_kind_reach_a_model_that_takes_them() {
    let images = addresses(&["b.jpg", "a.jpg"]);
    let videos = addresses(&["2.mp4", "1.mp4", "3.mp4"]);
    let job = heard(GeneratorRequest {
        reference_images: images.clone(),
        reference_videos: videos.clone(),
        reference_audio: Some("https://example.com/song.mp3".into()),
        ..request("video", "20060", "A dance of [Image1] and [Image2]")
    })
    .await;
    assert_eq!(given(&job, InputRole::Reference), images);
    assert_eq!(given(&job, InputRole::ReferenceVideo), videos);
    assert_eq!(given(&job, InputRole::ReferenceAudio), ["https://example.com/song.mp3"]);
}

#[tokio::test(start_paused = true)]
async fn a_picture_alone_is_enough_where_one_is_described() {
    let image = "https://example.com/photo.jpg";
    let job = heard(GeneratorRequest { image: Some(image.into()), ..request("vision", "34", "") }).await;
    assert_eq!((job.parameters.mode, given(&job, InputRole::Image)), (Mode::Vision, vec![image.to_owned()]));
    assert!(job.prompt.starts_with("Look at the image"), "{}", job.prompt);
}
