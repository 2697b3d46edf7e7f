#include <fmt/core.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/log.hpp"
#include "base/task_thread.hpp"
#include "transports/stream.hpp"
#include "transports/web/download.hpp"
#include "transports/web/mime_types.hpp"
#include "transports/web/services.hpp"
#include "transports/web/zip_archive.hpp"

namespace crosspoint::transports::web {
namespace {

constexpr std::size_t kPart = 128 * 1024;
/// So much may wait for a client before more is unpacked.
constexpr std::size_t kMaxQueued = 256 * 1024;
/// What is kept in memory with `cache`: contents up to this size, and all of them together.
constexpr std::size_t kMaxCached = 8 * 1024 * 1024;
constexpr std::size_t kMaxCache = 64 * 1024 * 1024;
/// After an archive could not be fetched, until it is tried again.
constexpr int kRetrySeconds = 10;

std::string sha256(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> hash(::EVP_MD_CTX_new(), &::EVP_MD_CTX_free);
  ::EVP_DigestInit_ex(hash.get(), ::EVP_sha256(), nullptr);
  std::string part(kPart, '\0');
  while (stream.read(part.data(), static_cast<std::streamsize>(part.size())) || stream.gcount() > 0) {
    ::EVP_DigestUpdate(hash.get(), part.data(), static_cast<std::size_t>(stream.gcount()));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  ::EVP_DigestFinal_ex(hash.get(), digest.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

/// Contents that are kept, by name. Any thread.
class Cache {
 public:
  std::shared_ptr<const std::string> find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto at = contents_.find(name);
    return at != contents_.end() ? at->second : nullptr;
  }
  void add(const std::string& name, std::string content) {
    const std::lock_guard lock(mutex_);
    const std::size_t size = content.size();
    if (bytes_ + size > kMaxCache) return;
    if (contents_.emplace(name, std::make_shared<const std::string>(std::move(content))).second) bytes_ += size;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> contents_;
  std::size_t bytes_ = 0;
};

/// One entry on its way to a client: unpacked by the archive's thread bit by bit, as the client takes it. Belongs to
/// the connection's thread, and goes to the other one and back with each task.
class Transfer final : public std::enable_shared_from_this<Transfer> {
 public:
  Transfer(std::shared_ptr<HttpExchange> exchange, std::weak_ptr<base::TaskThread> unpacker,
           std::shared_ptr<ZipArchive> archive, const ZipArchive::Entry& entry, std::string name, Cache* cache)
      : exchange_(std::move(exchange)),
        io_(exchange_->stream()->io()),
        unpacker_(std::move(unpacker)),
        archive_(std::move(archive)),
        entry_(entry),
        name_(std::move(name)),
        cache_(entry.size <= kMaxCached ? cache : nullptr) {}
  ~Transfer() {
    if (!reader_) return;
    // Only the archive's thread may close the entry, as long as there is that thread.
    if (const auto unpacker = unpacker_.lock()) {
      unpacker->post([reader = std::shared_ptr<ZipArchive::Reader>(std::move(reader_))] {});
    }
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void run(HttpResponse head) {
    head_ = std::move(head);
    unpack();
  }

 private:
  void unpack() {
    const auto unpacker = unpacker_.lock();
    if (!unpacker) return;
    unpacker->post([self = shared_from_this()]() mutable {
      self->unpack_part();
      base::IoThread& io = self->io_;
      io.post([self = std::move(self)] { self->pass_on(); });
    });
  }

  /// On the archive's thread.
  void unpack_part() {
    if (!reader_) reader_ = archive_->read(entry_, problem_);
    if (reader_ && !reader_->read(kPart, part_, problem_) && problem_.empty()) problem_ = "it cannot be read";
    if (!problem_.empty() || (reader_ && reader_->left() == 0)) {
      last_ = true;
      reader_.reset();
    }
  }

  void pass_on() {
    if (exchange_->stream() == nullptr) return;  // the client has gone
    if (!problem_.empty()) {
      log::error("archive: {}: {}", name_, problem_);
      if (started_) return exchange_->break_off("an entry of an archive is damaged");
      return exchange_->respond(HttpResponse::text(500, "the archive cannot be read\n"));
    }
    if (!started_) {
      started_ = true;
      exchange_->start(std::move(head_), entry_.size);
      // Keeps this alive while it waits for room.
      exchange_->on_writable([self = shared_from_this()] { self->go_on(); });
    }
    exchange_->write(part_);
    if (cache_ != nullptr) content_ += part_;
    if (last_) {
      if (cache_ != nullptr) cache_->add(name_, std::move(content_));
      return exchange_->finish();
    }
    waiting_ = true;
    if (exchange_->queued() < kMaxQueued) go_on();
  }

  void go_on() {
    if (std::exchange(waiting_, false)) unpack();
  }

  const std::shared_ptr<HttpExchange> exchange_;
  base::IoThread& io_;
  const std::weak_ptr<base::TaskThread> unpacker_;
  const std::shared_ptr<ZipArchive> archive_;
  const ZipArchive::Entry entry_;
  const std::string name_;
  Cache* const cache_;
  HttpResponse head_;
  std::unique_ptr<ZipArchive::Reader> reader_;
  std::string part_;
  std::string content_;  // so far, if it is to be cached
  std::string problem_;
  bool started_ = false;
  bool waiting_ = false;  // a part has been passed on, and the next has not been asked for
  bool last_ = false;
};

/// What is wrong with the hash of the archive in `file`, or nothing.
std::string check_hash(const settings::Archive& settings, const std::string& file) {
  if (settings.hashes.empty()) return {};
  const std::string hash = sha256(file);
  if (std::find(settings.hashes.begin(), settings.hashes.end(), hash) != settings.hashes.end()) return {};
  return fmt::format("the archive {} has the SHA-256 hash {}, which is none of those in \"hashes\"", file, hash);
}

std::shared_ptr<ZipArchive> open_archive(const settings::Archive& settings, const std::string& file,
                                         std::string& problem) {
  problem = check_hash(settings, file);
  return problem.empty() ? ZipArchive::open(file, problem) : nullptr;
}

/// The files of a ZIP archive, which is opened once: at the start, or when it has been fetched.
class ArchiveService final : public HttpService {
 public:
  /// `archive` is nullptr if it has to be fetched first.
  ArchiveService(const settings::Archive& settings, std::shared_ptr<ZipArchive> archive)
      : settings_(settings), archive_(std::move(archive)) {
    if (archive_ != nullptr) return;
    download_ = std::make_unique<Download>(settings_.origin, settings_.file);
    fetch_again();
  }
  ~ArchiveService() {
    if (download_) download_->stop();
  }

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const override {
    const HttpRequest& request = exchange->request();
    if (request.method != "GET" && request.method != "HEAD") return exchange->respond(method_not_allowed("GET, HEAD"));
    const auto archive = current();
    if (!archive) {
      auto later = HttpResponse::text(503, "the archive is not there yet\n");
      later.set("Retry-After", std::to_string(kRetrySeconds));
      return exchange->respond(std::move(later));
    }
    std::string name(rest);
    if ((name.empty() || name.ends_with('/'))) name += settings_.default_object;
    name = with_prefix(name);
    const ZipArchive::Entry* entry = archive->find(name);
    if (entry == nullptr && !settings_.default_file.empty()) {
      name = with_prefix(settings_.default_file);
      entry = archive->find(name);
    }
    if (entry == nullptr) return exchange->respond(not_found(request));
    serve(std::move(exchange), archive, *entry, std::move(name));
  }

 private:
  std::string with_prefix(const std::string& name) const {
    const std::string& prefix = settings_.object_prefix;
    return prefix.empty() || prefix.ends_with('/') ? prefix + name : prefix + "/" + name;
  }

  /// nullptr if it is not there yet. Who asks for it then has it fetched again, if the last time is not too recent.
  std::shared_ptr<ZipArchive> current() const {
    const std::lock_guard lock(mutex_);
    if (!archive_ && !fetching_ && std::chrono::steady_clock::now() >= next_try_) fetch_again();
    return archive_;
  }

  /// With mutex_ held, or from the constructor.
  void fetch_again() const {
    fetching_ = true;
    unpacker_->post([this] { fetch(); });
  }

  /// On the archive's thread.
  void fetch() const {
    log::info("archive {}: fetching it from {}", settings_.file, settings_.origin);
    std::string problem;
    std::shared_ptr<ZipArchive> archive;
    std::error_code error;
    const auto check = [this](const std::string& name, std::string& why) {
      return open_archive(settings_, name, why) != nullptr;
    };
    // Another service may have fetched it meanwhile.
    if (std::filesystem::exists(settings_.file, error) || download_->run(check, problem)) {
      archive = open_archive(settings_, settings_.file, problem);
    }
    {
      const std::lock_guard lock(mutex_);
      archive_ = archive;
      fetching_ = false;
      next_try_ = std::chrono::steady_clock::now() + std::chrono::seconds(kRetrySeconds);
    }
    if (archive) {
      log::info("archive {} with {} files, from {}", settings_.file, archive->size(), settings_.origin);
    } else {
      log::error("archive {}: it cannot be fetched from {}: {}", settings_.file, settings_.origin, problem);
    }
  }

  void serve(std::shared_ptr<HttpExchange> exchange, std::shared_ptr<ZipArchive> archive,
             const ZipArchive::Entry& entry, std::string name) const {
    const HttpRequest& request = exchange->request();
    HttpResponse response;
    const std::string etag = fmt::format("\"{:08x}-{:x}\"", entry.crc, entry.size);
    response.set("ETag", etag);
    if (const std::string known = request.joined_header("if-none-match");
        known == "*" || known.find(etag) != std::string::npos) {
      response.status = 304;
      return exchange->respond(std::move(response));
    }
    const std::string ending = std::filesystem::path(name).extension().string();
    const auto configured = settings_.mime_types.find(ending);
    response.set("Content-Type",
                 configured != settings_.mime_types.end() ? configured->second : std::string(mime_type(ending)));
    if (const auto content = cache_.find(name)) {
      response.body = *content;
      return exchange->respond(std::move(response));
    }
    if (request.method == "HEAD") {
      exchange->start(std::move(response), entry.size);
      return exchange->finish();
    }
    if (exchange->stream() == nullptr) return;
    std::make_shared<Transfer>(std::move(exchange), unpacker_, std::move(archive), entry, std::move(name),
                               settings_.cache ? &cache_ : nullptr)
        ->run(std::move(response));
  }

  settings::Archive settings_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<ZipArchive> archive_;               // guarded by mutex_
  mutable bool fetching_ = false;                             // guarded by mutex_
  mutable std::chrono::steady_clock::time_point next_try_{};  // guarded by mutex_
  std::unique_ptr<Download> download_;                        // nullptr if the archive was there
  mutable Cache cache_;
  // Where all that is read from the archive is read; ends first.
  const std::shared_ptr<base::TaskThread> unpacker_ = std::make_shared<base::TaskThread>();
};

}  // namespace

std::unique_ptr<HttpService> make_archive(const settings::Archive& settings, const ServiceContext& context) {
  std::string problem;
  std::shared_ptr<ZipArchive> archive;
  std::error_code error;
  if (std::filesystem::exists(settings.file, error)) {
    archive = open_archive(settings, settings.file, problem);
  } else if (settings.download && !settings.origin.empty()) {
    return std::make_unique<ArchiveService>(settings, nullptr);
  } else {
    problem = fmt::format("there is no archive {}{}", settings.file,
                          settings.origin.empty() ? "" : "; \"download\": true fetches it from " + settings.origin);
  }
  if (!archive) {
    context.refuse(problem);
    return nullptr;
  }
  log::info("archive {} with {} files", settings.file, archive->size());
  return std::make_unique<ArchiveService>(settings, std::move(archive));
}

}  // namespace crosspoint::transports::web
