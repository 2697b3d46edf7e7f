# The warnings every target of ours is built with. Headers of libraries are SYSTEM includes and exempt.
add_library(crosspoint_warnings INTERFACE)
target_compile_options(crosspoint_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 gives false alarms of these kinds once it has inlined std::variant, std::string and std::vector
  # (its bugs 105562, 105329 and 80635); clang and the sanitizers watch over the same things.
  target_compile_options(crosspoint_warnings INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow
    -Wno-stringop-overread -Wno-array-bounds)
else()
  # clang counts this to -Wconversion, g++ does not.
  target_compile_options(crosspoint_warnings INTERFACE -Wno-sign-conversion)
endif()
if(CMAKE_UNITY_BUILD)
  # A name in one file's unnamed namespace would be reported where the next file has a local of that name.
  target_compile_options(crosspoint_warnings INTERFACE -Wno-shadow)
endif()

# crosspoint_library(base SOURCES a.cpp b.cpp LINKS wamp settings): one library per folder of router/, named after
# the folder. LINKS are the only folders it may include from.
function(crosspoint_library folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;LIBRARIES;PCH" ${ARGN})
  add_library(crosspoint_${folder} STATIC ${ARG_SOURCES})
  target_include_directories(crosspoint_${folder} PUBLIC ${PROJECT_SOURCE_DIR}/router)
  set(links ${ARG_LINKS})
  list(TRANSFORM links PREPEND crosspoint_)
  target_link_libraries(crosspoint_${folder} PUBLIC ${links} ${ARG_LIBRARIES} PRIVATE crosspoint_warnings)
  if(ARG_PCH)
    target_precompile_headers(crosspoint_${folder} PRIVATE ${ARG_PCH})
  endif()
endfunction()
