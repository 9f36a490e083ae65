#pragma once

#include <cstdint>
#include <string>

namespace ace::proto {

/// The Lua texts of the contract; README.md says what each one is for. All are small and flagged
/// allow-oom: a Redis without memory for payloads must go on renewing, joining and deleting. Every
/// name is passed in or computed, loops are bounded, times come from Redis' own clock. "Mine" is:
/// metadata names my epoch and nobody else holds the owner key (a lease that ran out unnoticed is
/// still mine until somebody claims, because every claim raises the epoch). Numbers are read back
/// as 0 when they are junk.

/// KEYS owner, metadata, index, clients, streams
/// ARGV self, held epoch (0: none), known index, lease ms, record ms, channel, stream id,
///      [ids of workers known dead …]
/// Granted when the owner key is free, held by a dead worker, or by me under the epoch I hold. A
/// key of ours that holds another type is deleted: nobody could use the stream while it stands.
/// Another one's owner key is left no more than `lease ms` to live, for its owner renews it.
/// Answers {granted, epoch, index, owner, stopping}, each of what holds after the script. Granted
/// and stopping: the state was left as it was; the claimant has to finish the teardown.
extern const std::string kClaimScript;

/// KEYS owner, metadata, index, clients, last_client_disconnect_time, streams, aliases
/// ARGV self, epoch, lease ms, record ms, stream id, channel, client prefix, worker prefix,
///      engine prefix, alias prefix
/// Counts the stream on the engine that metadata name, for another lease. Renews its aliases, and
/// makes those again that are missing; what leads to another stream by now is none.
/// Takes out the clients that are ghosts: without a record, or of a worker without a sign of life.
/// Looks at 64 of them, drawn by lot, and where one is a ghost at a thousand more. Answers
/// {1, clients} or {0, owner}.
extern const std::string kRenewScript;

/// KEYS owner, metadata, alias of the infohash, aliases
/// ARGV self, epoch, record ms, stream id, infohash, alias prefix, stream prefix
/// My engine told the infohash of my stream. Answers the id under which that is played: mine, which
/// is written down; or an older stream's, whose alias my id becomes: the stream that stands there
/// has an owner, is not ending, and its record names this infohash. Empty: not mine.
extern const std::string kAliasScript;

/// KEYS owner, metadata. ARGV self, epoch, record ms, field, value [, field, value …]
/// `state` never leaves stopping again, and stamps state_changed_at when it changes; owner and
/// epoch are not taken. Answers 1, or 0: not mine.
extern const std::string kUpdateScript;

/// KEYS owner, metadata, index, stage, chunk (both of `last`)
/// ARGV self, epoch, first, last, skip (1/0), chunk ms, record ms, unlink first, unlink last,
///      channel, chunk prefix
/// Deletes the chunks `unlink first` to `unlink last` first, also where the stage is missing:
/// that makes room for it. Without skip first is last, and the stage becomes the chunk. With skip
/// the index moves to `last` without payloads, for what Redis had no memory for. Answers {code,
/// index}.
extern const std::string kCommitScript;
enum class CommitCode : std::int64_t {
  Missing = -2,    ///< the stage is not there; nothing moved
  Refused = -1,    ///< not mine
  OutOfOrder = 0,  ///< the next one Redis takes is index + 1; nothing moved
  Committed = 1,   ///< by this call or by an earlier one
};
/// Most chunk keys one commit deletes, and one finish_teardown.
inline constexpr std::uint64_t kMaxUnlinksPerCommit = 64;
inline constexpr std::uint64_t kMaxUnlinksPerTeardown = 4096;

/// KEYS owner, metadata. ARGV self, epoch, channel
/// Deletes the owner key, nothing else, and publishes leaving. Answers 1, or 0: not mine.
extern const std::string kReleaseScript;

/// KEYS owner, metadata, clients. ARGV self, epoch, record ms, channel [, force (1/0)]
/// Forced, clients do not count. Answers 0: stopping now; n: so many clients are there and nothing
/// changed; -1: not mine.
extern const std::string kBeginTeardownScript;

/// KEYS owner, metadata, index, clients, last_client_disconnect_time, streams, aliases
/// ARGV self, epoch, stream id, channel, first, last, chunk prefix, stage prefix, client prefix,
///      engine prefix, alias prefix
/// Deletes all of the stream: of the chunks first..last (and up to the index). Answers 1, or 0:
/// not mine.
extern const std::string kFinishTeardownScript;

/// KEYS metadata, clients, client, last_client_disconnect_time
/// ARGV client id, worker, record ms, client ms, channel, field, value [, field, value …]
/// Answers {1, clients}, or {0, 0}: the stream is stopping, nothing was written.
extern const std::string kJoinScript;

/// KEYS clients, client, last_client_disconnect_time, metadata. ARGV client id, record ms, channel
/// Answers how many are left. Of a stream without metadata nothing stays behind.
extern const std::string kLeaveScript;

/// KEYS clients, client. ARGV client id, client ms, field, value [, field, value …]
/// Never creates what is gone. Answers 1, or 0: the client is not (wholly) there, join again.
extern const std::string kHeartbeatScript;

/// KEYS owner, metadata, streams. ARGV stream id
/// Takes the id out of the set when nothing is left of its stream. Answers {1, owner} (an empty
/// owner: nobody's), or {0, ""}: no such stream.
extern const std::string kInspectScript;

/// KEYS worker, workers. ARGV token, worker ms, rival to replace (or empty), worker id, field,
/// value
/// [, field, value …]
/// Answers {1, was there}, or {0, rival}: the key is of another process; its name changes with each
/// of its own calls.
extern const std::string kPresenceScript;

/// KEYS worker, workers, incarnation. ARGV token, worker id. Answers 1, or 0: not mine. The last
/// worker of all leaves nothing behind.
extern const std::string kAbsenceScript;

/// KEYS incarnation. ARGV new text, ms
/// Answers the text that stands there, by this call or since an earlier one.
extern const std::string kIncarnationScript;

/// No KEYS. ARGV stream id, lease ms, settle ms, engine prefix, then for each engine: id, tier (3:
///      never, only to be left), forwarded (1/0), most streams (0: any number), load known to the
///      asker (the larger one counts)
/// Chooses by tier, streams, forwarded, order, and counts the stream there, and nowhere else, until
/// its lease ends. Answers {place in the list from 0, 0}; {-1, ms}: the best may be asked again
/// after that time, since another stream was just started there; {-1, 0}: none has room.
extern const std::string kChooseEngineScript;

/// No KEYS. ARGV engine prefix, engine ids. Answers how many streams each runs.
extern const std::string kEngineLoadsScript;

/// KEYS film on an engine. ARGV session's id, lease ms, engine prefix, engine id
/// Answers 1: the session has that engine for that film, and counts there, until the lease ends;
/// 0: another one has it.
extern const std::string kHoldFilmScript;
/// KEYS film on an engine, the engine's streams. ARGV session's id. Gives both up.
extern const std::string kDropFilmScript;

/// KEYS metadata, index. ARGV chunk prefix, chunks to go back, bytes to go back
/// Answers {epoch, index, first}: `first` is where a reader begins that wants at most so many
/// chunks and bytes, all present; index + 1 if there is none.
extern const std::string kPositionScript;

/// KEYS string, hash, set, sorted set, another string. ARGV ms, channel
/// Calls every command that the other scripts call, and those that are sent by themselves, on keys
/// that it deletes again. Answers {command, error, command, error …} of those that failed.
extern const std::string kTrialScript;

}  // namespace ace::proto
