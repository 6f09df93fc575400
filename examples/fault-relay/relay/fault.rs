//! The faults, and how they are written: `NAME`, `NAME=NUMBER` or `NAME=NUMBER:MORE`.

use std::str::FromStr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// How a connection is hung up on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hangup {
    /// FIN: a plain close.
    Close,
    /// RST: a close with `SO_LINGER` 0.
    Reset,
    /// A fatal alert of this number, then a close.
    Alert(u8),
    /// Neither: the connection stays open and nothing comes any more.
    Silence,
}

/// One thing that a relay does wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// `reset-1-in=N`: resets one connection in N after its hello.
    Reset(u64),
    /// `close-1-in=N`: closes one connection in N after its hello.
    Close(u64),
    /// `alert-1-in=N:NUMBER`: answers one connection in N with this fatal alert.
    Alert(u64, u8),
    /// `stall-1-in=N:TIME`: says nothing for that long on one connection in N, then goes on.
    Stall(u64, Duration),
    /// `delay=TIME`: a round trip time, for the connection and for each answer.
    Delay(Duration),
    /// `at-once=N:HOW`: so many connections at once; the rest is hung up on, or waits (`None`).
    AtOnce(usize, Option<Hangup>),
    /// `lingers=TIME`: a connection is one of those at once for that long after it has ended.
    Lingers(Duration),
    /// `per-second=N:HOW`: so many connections in any one second; the rest is hung up on.
    PerSecond(usize, Hangup),
    /// `ban-after=N:HOW`: hangs up on every connection after the first N.
    BanAfter(u64, Hangup),
    /// `fails-first=N:HOW`: hangs up on the first N connections, on none after them.
    FailsFirst(u64, Hangup),
    /// `longest-hello=BYTES:HOW`: hangs up on longer ClientHello messages, the header of the
    /// record not counted.
    LongestHello(usize, Hangup),
    /// `most-suites=N:HOW`: hangs up on hellos that offer more suites.
    MostSuites(usize, Hangup),
    /// `no-extension=NUMBER:HOW`: hangs up on hellos with this extension.
    NoExtension(u16, Hangup),
    /// `refuses-suite=NUMBER:HOW`: hangs up on hellos that offer this suite.
    RefusesSuite(u16, Hangup),
    /// `fails-suite=NUMBER:HOW`: hangs up where the server selects this suite, instead of its
    /// ServerHello.
    FailsSuite(u16, Hangup),
    /// `breaks-suite=NUMBER:HOW`: hangs up where the server selects this suite, right after the
    /// record with its ServerHello.
    BreaksSuite(u16, Hangup),
    /// `hides-alerts=HOW`: hangs up where the server answers with a fatal alert.
    HidesAlerts(Hangup),
    /// `single-bytes`: each byte of an answer in a segment of its own.
    SingleBytes,
    /// `records=BYTES`: messages in clear cut into records of so many bytes.
    Records(usize),
    /// `warning`: the warning alert unrecognized_name before the answer.
    Warning,
    /// `swap-offered=N`: in one connection in N, another of the suites offered is selected.
    SwapOffered(u64),
    /// `swap-unoffered=N`: in one connection in N, a suite that was not offered is selected.
    SwapUnoffered(u64),
    /// `swap-version=N`: in one connection in N, the next lower version is answered.
    SwapVersion(u64),
}

impl Hangup {
    /// Hangs up on a connection, or waits until the client does.
    pub(crate) async fn apply(self, mut client: TcpStream) {
        match self {
            Self::Close => {
                // What came is read, since a close with bytes unread is a reset.
                let mut rest = [0; 4096];
                while client.try_read(&mut rest).is_ok_and(|count| count > 0) {}
            }
            Self::Alert(number) => {
                // Fails only on a connection that is gone already.
                let _ = client.try_write(&[21, 3, 3, 0, 2, 2, number]);
                let mut rest = [0; 4096];
                while client.try_read(&mut rest).is_ok_and(|count| count > 0) {}
            }
            // Fails only on a connection that is gone already.
            Self::Reset => drop(client.set_zero_linger()),
            Self::Silence => {
                while client.read(&mut [0; 4096]).await.is_ok_and(|count| count > 0) {}
            }
        }
    }
}

impl FromStr for Hangup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "close" => Ok(Self::Close),
            "reset" => Ok(Self::Reset),
            "silence" => Ok(Self::Silence),
            _ => match text.strip_prefix("alert-").map(str::parse) {
                Some(Ok(number)) => Ok(Self::Alert(number)),
                _ => Err(format!("'{text}' is none of close, reset, silence and alert-NUMBER")),
            },
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let (first, more) = value.split_once(':').unwrap_or((value, ""));
        let how = || if more.is_empty() { Ok(Hangup::Reset) } else { more.parse() };
        Ok(match name {
            "reset-1-in" => Self::Reset(number(first)?),
            "close-1-in" => Self::Close(number(first)?),
            "alert-1-in" => Self::Alert(number(first)?, number(more)?),
            "stall-1-in" => Self::Stall(number(first)?, time(more)?),
            "delay" => Self::Delay(time(first)?),
            "at-once" if more == "wait" => Self::AtOnce(number(first)?, None),
            "at-once" => Self::AtOnce(number(first)?, Some(how()?)),
            "lingers" => Self::Lingers(time(first)?),
            "per-second" => Self::PerSecond(number(first)?, how()?),
            "ban-after" => Self::BanAfter(number(first)?, how()?),
            "fails-first" => Self::FailsFirst(number(first)?, how()?),
            "longest-hello" => Self::LongestHello(number(first)?, how()?),
            "most-suites" => Self::MostSuites(number(first)?, how()?),
            "no-extension" => Self::NoExtension(number(first)?, how()?),
            "refuses-suite" => Self::RefusesSuite(number(first)?, how()?),
            "fails-suite" => Self::FailsSuite(number(first)?, how()?),
            "breaks-suite" => Self::BreaksSuite(number(first)?, how()?),
            "hides-alerts" => Self::HidesAlerts(first.parse()?),
            "single-bytes" => Self::SingleBytes,
            "records" => Self::Records(number(first)?),
            "warning" => Self::Warning,
            "swap-offered" => Self::SwapOffered(number(first)?),
            "swap-unoffered" => Self::SwapUnoffered(number(first)?),
            "swap-version" => Self::SwapVersion(number(first)?),
            _ => return Err(format!("there is no fault '{name}'")),
        })
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("'{text}' is no number that fits"))
}

fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("'{text}' is no time: {error}"))
}
