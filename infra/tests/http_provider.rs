//! The generic HTTP adapter against the sandbox as a server, over loopback and in real time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mintmark_domain::Timestamp;
use mintmark_domain::catalog::{Ask, Capability, Catalog, Dialect, Sources};
use mintmark_domain::ports::{
    CancelReply, InputMedia, InputRole, Job, Media, OutputReport, Probe, Provider, Submission, SubmitError,
};
use mintmark_infra::egress::{Fetched, SystemResolver};
use mintmark_infra::providers::http::{HttpProvider, HttpProviderSettings};
use mintmark_infra::providers::sandbox::{JobSummary, Sandbox, SandboxSettings};
use mintmark_infra::providers::sandbox_server;
use mintmark_media::{MediaKind, probe};
use url::Url;

struct Served {
    base: Url,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve() -> (Served, Sandbox) {
    serve_with(SandboxSettings::default()).await
}

async fn serve_with(settings: SandboxSettings) -> (Served, Sandbox) {
    let sandbox = Sandbox::new(SandboxSettings { dies_with_node: false, ..settings });
    let router = sandbox_server::router(sandbox.clone(), Duration::from_millis(200));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/provider", listener.local_addr().unwrap()).parse().unwrap();
    let routes = axum::Router::new().nest("/provider", router);
    let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (Served { base, task }, sandbox)
}

fn adapter(base: &Url) -> HttpProvider {
    let settings =
        HttpProviderSettings { token: Some("secret".into()), ..HttpProviderSettings::new("far", base.clone()) };
    HttpProvider::new(settings, Arc::new(SystemResolver), Arc::new(|_: &Url| None::<Fetched>)).unwrap()
}

fn job(client_id: &str, model: &str, ask: Ask, prompt: &str) -> Job {
    let catalog = Catalog::load(&Sources::embedded()).unwrap();
    let model_of = catalog.model(model).unwrap();
    let offered = [Dialect::Genfire, Dialect::Generor].into_iter().find(|dialect| model_of.rules(*dialect).is_some());
    let parameters = model_of.check(offered.unwrap(), &ask).unwrap();
    Job {
        client_id: client_id.into(),
        model: model.into(),
        parameters,
        prompt: prompt.into(),
        asked: None,
        negative_prompt: None,
        fields: Vec::new(),
        generator: None,
        preferences: [None, None],
        media: Vec::new(),
        workflow: None,
        page: None,
        seed: 7,
        submit_by: Timestamp::MAX_UTC,
    }
}

fn image(client_id: &str, prompt: &str) -> Job {
    job(client_id, "nano-banana-2", Ask::prompt(Ask::length_of(prompt)), prompt)
}

/// Asks until the job is over.
async fn over(provider: &HttpProvider, client_id: &str) -> Probe {
    loop {
        match provider.probe(client_id).await.unwrap() {
            Probe::Running { .. } => tokio::time::sleep(Duration::from_millis(20)).await,
            over => return over,
        }
    }
}

#[tokio::test]
async fn a_job_is_taken_asked_about_and_its_file_fetched() {
    let (served, _sandbox) = serve().await;
    let provider = adapter(&served.base);
    let mut job = image("run_x_1", "a boat [sandbox:slow=0.5] [sandbox:cost=0.1]");
    // An input goes along, and is seen in what is made.
    let reference = mintmark_media::draw_image(
        "a red square",
        1,
        mintmark_media::Picture { width: 64, height: 64, format: mintmark_media::ImageFormat::Png },
        &[],
    );
    job.media.push(InputMedia {
        role: InputRole::Image,
        content_type: "image/png".into(),
        bytes: Bytes::from(reference.unwrap()),
    });
    let Submission::Accepted { provider_request_id } = provider.submit(&job).await.unwrap() else {
        panic!("not async")
    };
    assert_eq!(provider_request_id, "sbx_run_x_1");
    let Probe::Running { progress } = provider.probe("run_x_1").await.unwrap() else { panic!("over already") };
    assert!(progress.is_some());
    let Probe::Finished(report) = over(&provider, "run_x_1").await else { panic!("not finished") };
    assert_eq!(report.reported_cost.unwrap().amount, "0.1");
    let [OutputReport::Media(Media::Url(url))] = &report.outputs[..] else { panic!("{:?}", report.outputs) };
    let fetched = provider.fetch(url).await.unwrap();
    assert_eq!((fetched.content_type.as_str(), probe(&fetched.bytes).unwrap().kind), ("image/webp", MediaKind::WebP));
    let plain = Sandbox::new(SandboxSettings::default());
    let mut alone = job.clone();
    alone.media.clear();
    let Submission::Finished(other) = plain.submit(&alone).await.unwrap() else { panic!("not finished") };
    let [OutputReport::Media(Media::Bytes { bytes, .. })] = &other.outputs[..] else { panic!("no bytes") };
    assert_ne!(*bytes, fetched.bytes, "the input shows");
}

#[tokio::test]
async fn a_quick_job_is_answered_at_once_and_the_same_client_id_is_the_same_job() {
    let (served, sandbox) = serve().await;
    let provider = adapter(&served.base);
    let text = job("run_y_1", "gpt-5-nano", Ask::prompt(10), "about owls");
    let first = provider.submit(&text).await;
    let Ok(Submission::Finished(report)) = &first else { panic!("{first:?}") };
    let OutputReport::Text(fields) = &report.outputs[0] else { panic!("no text") };
    assert!(!fields["text"].as_str().unwrap().is_empty());
    assert_eq!(provider.submit(&text).await, first);
    // The server counts, so that a client that sends twice is found out.
    let expected = [JobSummary { client_id: "run_y_1".into(), submissions: 2, state: "finished".into() }];
    assert_eq!(sandbox.jobs(), expected);
    let listed: Vec<JobSummary> = reqwest::get(format!("{}/v1/jobs", served.base)).await.unwrap().json().await.unwrap();
    assert_eq!(listed, expected);
}

#[tokio::test]
async fn every_way_to_fail_is_told_apart() {
    let (served, _sandbox) = serve().await;
    let provider = adapter(&served.base);
    let unsent = provider.submit(&image("run_a_1", "x [sandbox:unsent]")).await;
    assert!(matches!(unsent, Err(SubmitError::NotSent(_))), "{unsent:?}");
    assert_eq!(provider.probe("run_a_1").await, Ok(Probe::NotFound));
    let again = provider.submit(&image("run_a_2", "x [sandbox:unsent]")).await;
    assert!(again.is_ok(), "{again:?}");

    let refused = provider.submit(&image("run_b_1", "x [sandbox:refuse]")).await;
    let Err(SubmitError::Refused(reason)) = refused else { panic!("{refused:?}") };
    assert_eq!(reason.code, "provider_refused");

    let lost = provider.submit(&image("run_c_1", "x [sandbox:lost-reply]")).await;
    assert!(matches!(lost, Err(SubmitError::Unknown(_))), "{lost:?}");
    assert!(matches!(over(&provider, "run_c_1").await, Probe::Finished(_)), "the work was done");

    let unknown = provider.submit(&image("run_d_1", "x [sandbox:unknown]")).await;
    assert!(matches!(unknown, Err(SubmitError::Unknown(_))), "{unknown:?}");
    assert!(provider.probe("run_d_1").await.is_err());

    let failed = provider.submit(&image("run_e_1", "x [sandbox:fail]")).await;
    assert!(matches!(failed, Ok(Submission::Accepted { .. })), "{failed:?}");
    assert!(matches!(over(&provider, "run_e_1").await, Probe::Failed(..)));
}

#[tokio::test]
async fn the_longest_speech_is_fetched_whole_and_what_is_gone_is_told_apart_from_what_never_came() {
    let (served, _sandbox) = serve_with(SandboxSettings { kept_max: 1, ..SandboxSettings::default() }).await;
    let provider = adapter(&served.base);
    let catalog = Catalog::load(&Sources::embedded()).unwrap();
    let voice = catalog.voices().next().unwrap().id.clone();
    let model = catalog.models().find(|model| model.capability == Capability::SpeechGeneration).unwrap();
    let ask = Ask { characters: Some(40_000), voice: Some(voice), ..Ask::prompt(40_000) };
    let speech = job("run_l_1", &model.slug, ask, &"A word and another. ".repeat(2_000));
    provider.submit(&speech).await.unwrap();
    let Probe::Finished(report) = over(&provider, "run_l_1").await else { panic!("not finished") };
    let text = |client_id: &str| job(client_id, "gpt-5-nano", Ask::prompt(10), "about owls");
    let full = provider.submit(&text("run_m_1")).await;
    assert!(matches!(full, Err(SubmitError::NotSent(_))), "it was told of, but not fetched: {full:?}");
    let [OutputReport::Media(Media::Url(url))] = &report.outputs[..] else { panic!("{:?}", report.outputs) };
    assert!(provider.fetch(url).await.unwrap().bytes.len() > 120_000_000);
    assert!(provider.submit(&text("run_m_1")).await.is_ok());
    over(&provider, "run_m_1").await;
    assert_eq!(provider.probe("run_l_1").await, Ok(Probe::Gone));
    assert_eq!(provider.cancel("run_l_1").await, Ok(CancelReply::TooLate));
    assert_eq!(provider.probe("run_k_1").await, Ok(Probe::NotFound));
}

#[tokio::test]
async fn a_job_is_stopped_by_our_id() {
    let (served, _sandbox) = serve().await;
    let provider = adapter(&served.base);
    provider.submit(&image("run_s_1", "x [sandbox:hang]")).await.unwrap();
    assert_eq!(provider.cancel("run_s_1").await, Ok(CancelReply::Stopping));
    assert!(matches!(over(&provider, "run_s_1").await, Probe::Cancelled(_)));
    assert_eq!(provider.cancel("run_s_1").await, Ok(CancelReply::TooLate));
    assert_eq!(provider.cancel("run_t_1").await, Ok(CancelReply::NotFound));
}

#[tokio::test]
async fn nobody_there_is_provably_unsent_and_a_foreign_404_is_no_answer() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = adapter(&format!("http://{free}/").parse().unwrap());
    let unsent = nobody.submit(&image("run_n_1", "x")).await;
    assert!(matches!(unsent, Err(SubmitError::NotSent(_))), "{unsent:?}");
    assert!(nobody.probe("run_n_1").await.is_err());
    // Something else answers there: what it says of our job proves nothing.
    let (served, _sandbox) = serve().await;
    let mut elsewhere = served.base.clone();
    elsewhere.set_path("/elsewhere");
    let wrong = adapter(&elsewhere);
    assert!(wrong.probe("run_n_1").await.is_err());
    let unknown = wrong.submit(&image("run_n_1", "x")).await;
    assert!(matches!(unknown, Err(SubmitError::Unknown(_))), "{unknown:?}");
}

#[tokio::test]
async fn files_are_fetched_from_the_provider_alone() {
    let (served, _sandbox) = serve().await;
    let provider = adapter(&served.base);
    // The guard lets the provider's own host through, and no other private one.
    assert!(provider.fetch("http://127.0.0.1:9/x").await.is_err());
    let refused = provider.fetch("http://169.254.169.254/latest/meta-data").await.unwrap_err();
    assert!(!refused.0.contains("token"), "{refused}");
    assert!(provider.fetch("v1/jobs/run_none_1/outputs/0").await.is_err());
}

#[tokio::test]
async fn a_base_url_that_is_none_is_refused() {
    let settings = HttpProviderSettings::new("odd", "ftp://files.example/".parse().unwrap());
    let made = HttpProvider::new(settings, Arc::new(SystemResolver), Arc::new(|_: &Url| None::<Fetched>));
    assert!(made.is_err());
}
