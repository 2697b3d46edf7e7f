#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "realm/event_log.hpp"

namespace crosspoint::realm {

/// What writes the event logs of a realm where they survive the end of the program.
class EventJournal {
 public:
  struct Place {
    const EventLog* log = nullptr;
    EventLog::Place place;  ///< what comes before `oldest` is not needed any more
  };
  /// An event; or, without a publication, that a log was flushed: all before `oldest` of its place is to go.
  struct Entry {
    std::int64_t time = 0;
    PublicationRef publication;
    std::vector<Place> places;
    wamp::Encoding encoding{};
    std::string publish;      ///< the PUBLISH message in that encoding
    std::size_t flushed = 0;  ///< how many events
    /// Who is to be sent PUBLISHED, or the RESULT of the flush, as StoredPublication, when the entry is on disk;
    /// request 0: nobody.
    SessionKey publisher;
    wamp::RequestId request = 0;
  };

  virtual ~EventJournal() = default;
  /// Any thread; does not wait for the disk.
  virtual void write(Entry entry) = 0;
  /// Any thread: bytes that wait to be written.
  virtual std::size_t backlog() const = 0;
};

/// A publication as the bytes of a PUBLISH message in its payload's encoding, and back; its id, publisher
/// and trust level are not in it. nullptr if `bytes` are none.
std::string write_publication(const wamp::Publish& message);
std::shared_ptr<Publication> read_publication(wamp::Encoding encoding, std::string_view bytes, wamp::PublicationId id,
                                              std::shared_ptr<const Identity> publisher,
                                              wamp::TrustLevel trustlevel = wamp::kNoTrustLevel);

}  // namespace crosspoint::realm
