#pragma once

/// The version of the headers in use. The build takes its own from here.
#define DAVIT_VERSION_MAJOR 0
#define DAVIT_VERSION_MINOR 1
#define DAVIT_VERSION_PATCH 0
#define DAVIT_VERSION "0.1.0"
