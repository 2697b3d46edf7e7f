#include <algorithm>
#include <cctype>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

constexpr std::size_t kSha256Digits = 64;

bool is_http_url(std::string_view url) {
  const std::size_t host = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : url.size();
  return host < url.size() && url[host] != '/' && url.find_first_of(" \t\r\n") == std::string_view::npos;
}

void load_hashes(ObjectReader& object, std::vector<std::string>& hashes) {
  each_item(object, "hashes", [&](const Json& item, const std::string& path) {
    std::string hash = item.is_string() ? item.get<std::string>() : std::string();
    for (char& c : hash) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const bool good = hash.size() == kSha256Digits &&
                      std::all_of(hash.begin(), hash.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
    if (good) {
      hashes.push_back(std::move(hash));
    } else {
      object.context().error(path, show(item) + " is not a SHA-256 hash", "64 hexadecimal digits");
    }
  });
}

/// A number of bytes, as it is or as the caller's default.
void load_size(ObjectReader& options, std::string_view key, std::int64_t least, std::uint64_t& out) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (const auto value = options.integer(key, least, kMost)) out = static_cast<std::uint64_t>(*value);
}
void load_count(ObjectReader& options, std::string_view key, std::int64_t most, std::uint32_t& out) {
  if (const auto value = options.integer(key, 1, most)) out = static_cast<std::uint32_t>(*value);
}

Upload::Fields load_fields(LoadContext& context, const Json& value, const std::string& path) {
  Upload::Fields fields;
  ObjectReader object(context, value, path);
  constexpr std::string_view kAllowed = "the name of a field of the form";
  fields.file_name = object.required_text("file_name", kAllowed);
  fields.mime_type = object.required_text("mime_type", kAllowed);
  fields.total_size = object.required_text("total_size", kAllowed);
  fields.chunk_number = object.required_text("chunk_number", kAllowed);
  fields.chunk_size = object.required_text("chunk_size", kAllowed);
  fields.total_chunks = object.required_text("total_chunks", kAllowed);
  fields.content = object.required_text("content", kAllowed);
  fields.on_progress = object.text_or("on_progress", "");
  fields.session = object.text_or("session", "");
  fields.chunk_extra = object.text_or("chunk_extra", "");
  fields.finish_extra = object.text_or("finish_extra", "");
  object.finish();
  return fields;
}

/// "0644"; 0 if it is no file mode.
unsigned read_permissions(const std::string& text) {
  if (text.empty() || text.size() > 4) return 0;
  unsigned mode = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return 0;
    mode = mode << 3 | static_cast<unsigned>(c - '0');
  }
  return mode <= 0777 ? mode : 0;
}

void load_upload_options(LoadContext& context, const Json& value, const std::string& path, Upload& upload) {
  constexpr std::int64_t kDay = 86400;
  ObjectReader options(context, value, path);
  load_size(options, "max_file_size", 0, upload.max_file_size);
  each_item(options, "file_types", [&](const Json& item, const std::string& at) {
    if (item.is_string() && item.get<std::string>().starts_with('.')) {
      upload.file_types.push_back(item.get<std::string>());
    } else {
      context.error(at, show(item) + " is not the ending of a file name", "\".ending\"");
    }
  });
  if (const auto mode = options.text("file_permissions")) {
    upload.permissions = read_permissions(*mode);
    if (upload.permissions == 0) {
      context.error(options.path_of("file_permissions"), "\"" + *mode + "\" cannot be used",
                    "octal digits in a string, like \"0644\"");
    }
  }
  load_count(options, "max_uploads", 100'000, upload.max_uploads);
  load_size(options, "max_unfinished_size", 1, upload.max_unfinished_size);
  load_count(options, "upload_timeout", 7 * kDay, upload.upload_timeout);
  options.finish();
}

}  // namespace

std::map<std::string, std::string> load_mime_types(ObjectReader& object) {
  std::map<std::string, std::string> types;
  each_entry(object, "mime_types", [&](const std::string& ending, const Json& type, const std::string& path) {
    if (type.is_string() && ending.starts_with('.')) {
      types.emplace(ending, type.get<std::string>());
    } else {
      object.context().error(path, show(type) + " for \"" + ending + "\" cannot be used", "\".ending\": \"type\"");
    }
  });
  return types;
}

Archive load_archive(ObjectReader& object) {
  Archive archive;
  LoadContext& context = object.context();
  archive.file = context.absolute(object.required_text("archive", "the path of a ZIP file"));
  archive.origin = object.text_or("origin", "");
  if (!archive.origin.empty() && !is_http_url(archive.origin)) {
    context.error(object.path_of("origin"), "\"" + archive.origin + "\" cannot be fetched",
                  "a URL that begins with http:// or https://");
  }
  archive.download = object.boolean("download", false);
  if (archive.download && archive.origin.empty()) {
    context.warn(object.path_of("download"), "has no effect without \"origin\"", "an origin to fetch the archive from");
  }
  archive.cache = object.boolean("cache", false);
  archive.default_object = object.text_or("default_object", "");
  archive.object_prefix = object.text_or("object_prefix", "");
  archive.mime_types = load_mime_types(object);
  load_hashes(object, archive.hashes);
  if (const Json* value = object.find("options")) {
    ObjectReader options(context, *value, object.path_of("options"));
    archive.default_file = options.text_or("default_file", "");
    options.finish();
  }
  return archive;
}

Cgi load_cgi(ObjectReader& object) {
  constexpr std::int64_t kDay = 86400;
  Cgi cgi;
  LoadContext& context = object.context();
  cgi.directory = context.absolute(object.required_text("directory", "the path of a directory"));
  cgi.processor = object.required_text("processor", "the full path of a program");
  if (!cgi.processor.empty() && !cgi.processor.starts_with('/')) {
    context.error(object.path_of("processor"), "\"" + cgi.processor + "\" is not a full path",
                  "the full path of a program, like \"/usr/bin/python3\"");
  }
  if (const Json* value = object.find("options")) {
    ObjectReader options(context, *value, object.path_of("options"));
    load_count(options, "timeout", kDay, cgi.timeout);
    load_count(options, "max_processes", 1000, cgi.max_processes);
    load_size(options, "max_output", 1, cgi.max_output);
    options.finish();
  }
  return cgi;
}

Upload load_upload(ObjectReader& object) {
  Upload upload;
  LoadContext& context = object.context();
  upload.target = load_target(object);
  upload.directory = context.absolute(object.required_text("directory", "the path of a directory"));
  const std::string temp = object.text_or("temp_directory", "");
  upload.temp_directory = temp.empty() ? upload.directory + "/.unfinished" : context.absolute(temp);
  if (const Json* value = object.require("form_fields", "an object with the names of the form's fields")) {
    upload.fields = load_fields(context, *value, object.path_of("form_fields"));
  }
  if (const Json* value = object.find("options")) {
    load_upload_options(context, *value, object.path_of("options"), upload);
  }
  return upload;
}

}  // namespace crosspoint::settings
