#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "settings/web_services.hpp"

/// Path services that work with files of this machine; `static` is in transport.hpp.
namespace crosspoint::settings {

/// The files of a ZIP archive.
struct Archive {
  std::string file;                               ///< absolute
  std::string origin;                             ///< where the file can be had: http:// or https://
  bool download = false;                          ///< fetch it from there if it is missing
  bool cache = false;                             ///< keep contents in memory, up to a limit
  std::string default_object;                     ///< behind paths that are empty or end with '/'
  std::string object_prefix;                      ///< in front of every path
  std::string default_file;                       ///< served in place of what is missing; empty: 404
  std::map<std::string, std::string> mime_types;  ///< ".ext" to type
  std::vector<std::string> hashes;                ///< SHA-256 in lower-case hex; one of them must fit, if there are any
};

/// Scripts that are run for each request (CGI/1.1, RFC 3875). `options` are Crosspoint's own.
struct Cgi {
  std::string directory;                           ///< absolute
  std::string processor;                           ///< absolute; the program that gets the script as its argument
  std::uint32_t timeout = 60;                      ///< seconds that a script may run
  std::uint32_t max_processes = 16;                ///< at a time
  std::uint64_t max_output = 64ULL * 1024 * 1024;  ///< bytes that a script may write
};

/// The largest chunk that an upload may be sent in, in bytes; the last one may be twice as large.
inline constexpr std::size_t kMaxUploadChunkSize = 8 * 1024 * 1024;

/// Files that clients send, in one piece or in chunks.
struct Upload {
  BridgeTarget target;         ///< who publishes how far an upload is
  std::string directory;       ///< absolute; of complete files
  std::string temp_directory;  ///< absolute; of unfinished ones, on the same file system

  /// What the form's fields are called; empty for those that are not wanted.
  struct Fields {
    std::string file_name, mime_type, total_size, chunk_number, chunk_size, total_chunks, content;
    std::string on_progress;                ///< the topic to publish to
    std::string session;                    ///< who alone gets that
    std::string chunk_extra, finish_extra;  ///< JSON that is published as well
  } fields;

  std::uint64_t max_file_size = 10ULL * 1024 * 1024;
  std::vector<std::string> file_types;  ///< ".ext"; empty: all
  unsigned permissions = 0;             ///< of complete files; 0: as the system makes them
  // Crosspoint's own:
  std::uint32_t max_uploads = 100;                            ///< unfinished at a time
  std::uint64_t max_unfinished_size = 1024ULL * 1024 * 1024;  ///< bytes of them all
  std::uint32_t upload_timeout = 3600;                        ///< seconds without a chunk after which one is removed
};

}  // namespace crosspoint::settings
