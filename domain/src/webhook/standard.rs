//! Standard Webhooks signatures: `v1,<base64>` is the HMAC-SHA256 of id, time and body. Ours are made here,
//! and those of others held against their secrets.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::Timestamp;

/// The version of signatures with a shared secret; others in the same header are passed over.
const VERSION: &str = "v1";
/// Secrets are written with and without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The HMAC-SHA256 of what stands in `parts`, one after the other.
pub(super) fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    keyed(key, parts).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}

/// `v1,<base64>` of a message.
pub(super) fn sign(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signed = format!("{id}.{timestamp}.");
    format!("{VERSION},{}", STANDARD.encode(mac(key, &[signed.as_bytes(), body])))
}

/// A secret that somebody else signs with: `whsec_` and base64 of 24 to 64 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct StandardSecret(Vec<u8>);

impl fmt::Debug for StandardSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StandardSecret")
    }
}

/// A message as it was sent: the three headers and the body, byte for byte.
#[derive(Clone, Copy, Debug)]
pub struct SignedMessage<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, as it was written.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more signatures, separated by blanks.
    pub signatures: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// Why a message is not taken as signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The time is no whole number of seconds since 1970.
    #[error("webhook-timestamp must be a whole number of seconds since 1970")]
    BadTimestamp,
    /// Signed too long ago, or in the future: it may be somebody's copy.
    #[error("webhook-timestamp must lie within {} seconds of now", SignedMessage::TOLERANCE_SECONDS)]
    OutOfTime,
    /// None of the signatures is that of any secret.
    #[error("webhook-signature holds no signature of this message by a secret that is known")]
    Unsigned,
}

impl SignedMessage<'_> {
    /// How far the time of signing may lie from now, either way.
    pub const TOLERANCE_SECONDS: i64 = 300;
    /// How many signatures of a message are looked at.
    pub const SIGNATURES_MAX: usize = 16;

    /// Holds the message against every secret. Errors: signed by none of them, or not about `now`.
    pub fn verify(&self, secrets: &[StandardSecret], now: Timestamp) -> Result<(), SignatureError> {
        // Only digits: what is signed is the text, and a number has many.
        let plain = self.timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let said: i64 = self.timestamp.parse().ok().filter(|_| plain).ok_or(SignatureError::BadTimestamp)?;
        if now.timestamp().abs_diff(said) > Self::TOLERANCE_SECONDS.unsigned_abs() {
            return Err(SignatureError::OutOfTime);
        }
        let signatures: Vec<Vec<u8>> = self
            .signatures
            .split(' ')
            .take(Self::SIGNATURES_MAX)
            .filter_map(|signature| signature.split_once(',').filter(|(version, _)| *version == VERSION))
            .filter_map(|(_, encoded)| STANDARD.decode(encoded).ok())
            .collect();
        let parts = [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", self.body];
        let is_signed = secrets.iter().filter_map(|secret| keyed(&secret.0, &parts)).any(|mac| {
            // `verify_slice` compares in constant time.
            signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
        });
        if is_signed { Ok(()) } else { Err(SignatureError::Unsigned) }
    }
}

impl StandardSecret {
    /// What it begins with.
    pub const PREFIX: &'static str = "whsec_";
    /// How many bytes it has at least.
    pub const BYTES_MIN: usize = 24;
    /// How many bytes it has at most.
    pub const BYTES_MAX: usize = 64;

    /// A secret as it was given; `None` where it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let bytes = LENIENT.decode(text.strip_prefix(Self::PREFIX)?).ok()?;
        (Self::BYTES_MIN..=Self::BYTES_MAX).contains(&bytes.len()).then_some(StandardSecret(bytes))
    }

    /// `v1,<base64>` of a message, as whoever holds the secret signs it.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        sign(&self.0, id, timestamp, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn secret() -> StandardSecret {
        StandardSecret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    fn other() -> StandardSecret {
        StandardSecret(vec![7; 32])
    }

    fn verify(timestamp: &str, signatures: &str, body: &[u8]) -> Result<(), SignatureError> {
        let message = SignedMessage { id: ID, timestamp, signatures, body };
        message.verify(&[other(), secret()], at(0))
    }

    fn signed(timestamp: i64) -> (String, String) {
        (timestamp.to_string(), secret().sign(ID, timestamp, BODY))
    }

    /// The example of the Standard Webhooks specification's own libraries.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(secret().sign(ID, 1_614_265_330, BODY), signature);
        let then = chrono::DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let message = SignedMessage { id: ID, timestamp: "1614265330", signatures: signature, body: BODY };
        assert_eq!(message.verify(&[secret()], then), Ok(()));
        assert_eq!(message.verify(&[], then), Err(SignatureError::Unsigned));
    }

    #[test]
    fn one_good_signature_among_several_is_enough_and_another_version_is_none() {
        let (timestamp, good) = signed(at(0).timestamp());
        let wrong = StandardSecret(vec![8; 32]).sign(ID, at(0).timestamp(), BODY);
        let otherwise = good.replace("v1,", "v1a,");
        for taken in [good.clone(), format!("{wrong} {good}"), format!("{otherwise} {good}"), format!("  {good} ")] {
            assert_eq!(verify(&timestamp, &taken, BODY), Ok(()), "{taken}");
        }
        let many = vec![wrong.as_str(); SignedMessage::SIGNATURES_MAX].join(" ");
        for refused in ["", "v1", "v1,", "v1,!", &good[3..], &good[..20], &wrong, &otherwise, &format!("{many} {good}")]
        {
            assert_eq!(verify(&timestamp, refused, BODY), Err(SignatureError::Unsigned), "{refused}");
        }
    }

    #[test]
    fn whatever_is_changed_the_signature_no_longer_holds() {
        let (timestamp, good) = signed(at(0).timestamp());
        assert_eq!(verify(&timestamp, &good, br#"{"test": 2432232315}"#), Err(SignatureError::Unsigned));
        let later = (at(0).timestamp() + 1).to_string();
        assert_eq!(verify(&later, &good, BODY), Err(SignatureError::Unsigned));
        let message = SignedMessage { id: "msg_2", timestamp: &timestamp, signatures: &good, body: BODY };
        assert_eq!(message.verify(&[secret()], at(0)), Err(SignatureError::Unsigned));
    }

    #[test]
    fn a_message_is_good_for_five_minutes_either_way() {
        for (off, answer) in [
            (-301, Err(SignatureError::OutOfTime)),
            (-300, Ok(())),
            (300, Ok(())),
            (301, Err(SignatureError::OutOfTime)),
        ] {
            let (timestamp, good) = signed(at(0).timestamp() + off);
            assert_eq!(verify(&timestamp, &good, BODY), answer, "{off}");
        }
        for wrong in ["", "soon", "+1", "-1", "1.5", " 1", "99999999999999999999"] {
            assert_eq!(verify(wrong, "v1,x", BODY), Err(SignatureError::BadTimestamp), "{wrong:?}");
        }
        assert_eq!(verify("9223372036854775807", "v1,x", BODY), Err(SignatureError::OutOfTime));
    }

    #[test]
    fn a_secret_has_24_to_64_bytes_and_is_never_shown() {
        let of = |bytes: usize| StandardSecret::read(&format!("whsec_{}", STANDARD.encode(vec![1; bytes])));
        assert!(of(23).is_none() && of(24).is_some() && of(64).is_some() && of(65).is_none());
        let padded = format!("whsec_{}", STANDARD.encode([1; 32]));
        assert_eq!(StandardSecret::read(padded.trim_end_matches('=')), of(32));
        for bad in ["", "whsec_", "whsec_%%%", &padded["whsec_".len()..]] {
            assert_eq!(StandardSecret::read(bad), None, "{bad:?}");
        }
        assert_eq!(format!("{:?}", secret()), "StandardSecret");
    }
}
