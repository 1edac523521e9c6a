#pragma once

#include <utility>

#include <davit/result.h>

/// DAVIT_TRY(auto x, expression): x is the value of a Result, or the enclosing function returns its error.
/// DAVIT_TRY_VOID(expression): the same for Result<>.
#define DAVIT_TRY(declaration, ...) \
  DAVIT_TRY_NAMED(DAVIT_TRY_JOIN(davit_try_, __LINE__), declaration, __VA_ARGS__)
#define DAVIT_TRY_VOID(...) \
  if (auto davit_try_result = (__VA_ARGS__); !davit_try_result) return std::move(davit_try_result).error()

#define DAVIT_TRY_JOIN(a, b) DAVIT_TRY_JOIN_AGAIN(a, b)
#define DAVIT_TRY_JOIN_AGAIN(a, b) a##b
#define DAVIT_TRY_NAMED(temporary, declaration, ...)   \
  auto temporary = (__VA_ARGS__);                      \
  if (!temporary) return std::move(temporary).error(); \
  declaration = *std::move(temporary)
