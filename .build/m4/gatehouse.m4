# SPDX-License-Identifier: Apache-2.0
# Gatehouse's own macros: missing packages told at once, modules in one line each, hardening, sanitizers.

# GH_MISSING(DEBIAN-PACKAGE): remembered until GH_MISSING_REPORT.
AC_DEFUN([GH_MISSING], [AS_CASE([" $gh_missing "], [*" $1 "*], [], [gh_missing="$gh_missing $1"])])

# GH_MISSING_REPORT: fails once, naming every package that is missing.
AC_DEFUN([GH_MISSING_REPORT], [
AS_IF([test -n "$gh_missing"], [AC_MSG_ERROR([these Debian packages are missing:$gh_missing

    apt-get install$gh_missing

    (or ./bootstrap deps, which installs everything that .ci/packages lists)])])
])

# GH_PKG(VARIABLE, MODULE [>= VERSION], DEBIAN-PACKAGE, [optional]): a library that has a .pc file. Sets have_VARIABLE.
AC_DEFUN([GH_PKG], [PKG_CHECK_MODULES([$1], [$2], [have_$1=yes], [GH_LACKS($@)])])
AC_DEFUN([GH_LACKS], [have_$1="no ($3)"; m4_ifval([$4], [], [GH_MISSING([$3])])])

# GH_LIB(VARIABLE, HEADER, LIBRARY, FUNCTION, DEBIAN-PACKAGE, [optional]): one that hasn't.
AC_DEFUN([GH_LIB], [
have_$1=no
AC_CHECK_HEADER([$2], [AC_CHECK_LIB([$3], [$4], [have_$1=yes; $1_LIBS=-l$3])])
AS_IF([test "$have_$1" = no], [GH_LACKS([$1], [], [$5], [$6])])
AC_SUBST([$1_LIBS])
])

# GH_PLUGIN(NAME, SUMMARY, [VARIABLE...]): --with-plugin-NAME. Where an optional library is missing, "auto" leaves the
# module out and "yes" makes configure fail naming the package. Sets the conditional PLUGIN_NAME.
AC_DEFUN([GH_PLUGIN], [
AC_REQUIRE([GH_PLUGIN_PREPARE])
AC_ARG_WITH([plugin-$1],
	[AS_HELP_STRING([--with-plugin-$1], [$2 @<:@auto@:>@])], [gh_with=$withval], [gh_with=auto])
AS_CASE([$gh_with], [auto|yes|no], [],
	[AC_MSG_ERROR([--with-plugin-$1=$gh_with: expected auto, yes or no])])
gh_plugin_missing=
AS_IF([test "$gh_with" != no], [
	m4_foreach_w([gh_needed], [$3], [gh_plugin_needs "$have_[]gh_needed"
	])
	AS_IF([test -n "$gh_plugin_missing"], [
		AS_IF([test "$gh_with" = yes], [gh_missing="$gh_missing$gh_plugin_missing"])
		gh_with="no (needs$gh_plugin_missing)"], [gh_with=yes])])
AM_CONDITIONAL([PLUGIN_]m4_translit([$1], [a-z-], [A-Z_]), [test "$gh_with" = yes])
gh_plugins="$gh_plugins
AS_ESCAPE(m4_format([  %-20s], [$1])) $gh_with"
])

AC_DEFUN([GH_PLUGIN_PREPARE], [
gh_plugin_needs() { # "yes", or "no (PACKAGE)"
	case $[]1 in
	yes) ;;
	*) gh_plugin_missing="$gh_plugin_missing $(printf %s "$[]1" | sed 's/no (\(.*\))/\1/')" ;;
	esac
}
])

# GH_CFLAGS_DEFAULT: -O2 -g where the user says nothing.
AC_DEFUN([GH_CFLAGS_DEFAULT], [
AC_BEFORE([$0], [AC_PROG_CC])
: ${CFLAGS="-O2 -g"}
: ${CXXFLAGS="-O2 -g"}
])

# GH_TRY_CFLAGS(FLAGS, VARIABLE) and GH_TRY_LDFLAGS: appends where a program compiles and links with them, without a warning.
AC_DEFUN([GH_TRY_CFLAGS], [
AC_MSG_CHECKING([whether $CC takes $1])
gh_save=$CFLAGS
CFLAGS="$CFLAGS -Werror $1"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("")]])],
	[AC_MSG_RESULT([yes]); $2="$$2 $1"], [AC_MSG_RESULT([no])])
CFLAGS=$gh_save
])
AC_DEFUN([GH_TRY_LDFLAGS], [
AC_MSG_CHECKING([whether the linker takes $1])
gh_save=$LDFLAGS
LDFLAGS="$LDFLAGS $1"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("")]])],
	[AC_MSG_RESULT([yes]); $2="$$2 $1"], [AC_MSG_RESULT([no])])
LDFLAGS=$gh_save
])

AC_DEFUN([GH_ARG_WERROR], [
AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [make every warning an error])], [], [enable_werror=no])
GH_WARNINGS="-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2"
AS_IF([test "$enable_werror" = yes], [GH_WARNINGS="$GH_WARNINGS -Werror"])
AC_SUBST([GH_WARNINGS])
])

# GH_ARG_SANITIZE: --enable-sanitize=address,undefined or thread.
AC_DEFUN([GH_ARG_SANITIZE], [
AC_ARG_ENABLE([sanitize],
	[AS_HELP_STRING([--enable-sanitize=LIST], [address,undefined or thread @<:@no@:>@])], [], [enable_sanitize=no])
GH_SANITIZE=
AS_CASE([$enable_sanitize],
	[no], [],
	[yes], [enable_sanitize=address,undefined],
	[*thread*address*|*address*thread*], [AC_MSG_ERROR([--enable-sanitize: thread excludes address])])
AS_IF([test "$enable_sanitize" != no], [
	GH_SANITIZE="-fsanitize=$enable_sanitize -fno-omit-frame-pointer -fno-sanitize-recover=undefined"
	gh_try=
	GH_TRY_CFLAGS([$GH_SANITIZE], [gh_try])
	AS_IF([test -z "$gh_try"], [AC_MSG_ERROR([$CC can't do -fsanitize=$enable_sanitize])])
	AC_DEFINE([GH_SANITIZED], [1], [Define to 1 if a sanitizer is built in.])])
AC_SUBST([GH_SANITIZE])
# Sanitizers look for the functions that they stand before, crypt_r() among them, when the program starts: what a
# module brings later they don't find, and call NULL.
AS_CASE([$enable_sanitize], [*address*|*thread*], [GH_SANITIZE_LIBS="-Wl,--no-as-needed -lcrypt"], [GH_SANITIZE_LIBS=])
AC_SUBST([GH_SANITIZE_LIBS])
])

# GH_ARG_FUZZ: the *_fuzz programs become libFuzzer targets; otherwise they replay their corpus.
AC_DEFUN([GH_ARG_FUZZ], [
AC_ARG_ENABLE([fuzz], [AS_HELP_STRING([--enable-fuzz], [build the fuzz targets with libFuzzer (CC=clang)])], [],
	[enable_fuzz=no])
GH_FUZZ_CFLAGS=
GH_FUZZ_LDFLAGS=
AS_IF([test "$enable_fuzz" = yes], [
	GH_TRY_CFLAGS([-fsanitize=fuzzer-no-link], [GH_FUZZ_CFLAGS])
	AS_IF([test -z "$GH_FUZZ_CFLAGS"], [AC_MSG_ERROR([--enable-fuzz needs CC=clang and its run-time (clang, libclang-rt-14-dev)])])
	GH_FUZZ_LDFLAGS=-fsanitize=fuzzer])
AM_CONDITIONAL([FUZZ], [test "$enable_fuzz" = yes])
AC_SUBST([GH_FUZZ_CFLAGS])
AC_SUBST([GH_FUZZ_LDFLAGS])
])

# GH_HARDENING: on by default. Sanitizers bring their own checks and collide with FORTIFY and -z defs.
AC_DEFUN([GH_HARDENING], [
AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening], [leave out PIE, RELRO, FORTIFY, stack protector, CET])],
	[], [enable_hardening=yes])
AS_IF([test "$enable_hardening" = yes && test "$enable_sanitize" != no], [enable_hardening="no (sanitizers)"])
GH_HARDEN_CFLAGS=
GH_HARDEN_LDFLAGS=
GH_PIE_LDFLAGS=
AS_IF([test "$enable_hardening" = yes], [
	GH_TRY_CFLAGS([-fPIE], [GH_HARDEN_CFLAGS])
	GH_TRY_CFLAGS([-fstack-protector-strong], [GH_HARDEN_CFLAGS])
	GH_TRY_CFLAGS([-fstack-clash-protection], [GH_HARDEN_CFLAGS])
	GH_TRY_CFLAGS([-fcf-protection=full], [GH_HARDEN_CFLAGS])
	AS_CASE([" $CFLAGS "], [*" -O0 "*], [], [*" -O"*],
		[GH_TRY_CFLAGS([-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2], [GH_HARDEN_CFLAGS])])
	GH_TRY_LDFLAGS([-Wl,-z,relro -Wl,-z,now], [GH_HARDEN_LDFLAGS])
	GH_TRY_LDFLAGS([-Wl,-z,noexecstack], [GH_HARDEN_LDFLAGS])
	GH_TRY_LDFLAGS([-pie], [GH_PIE_LDFLAGS])])
# A module must say at link time what it lacks; libraries of the sanitizers are only in the program.
GH_MODULE_LDFLAGS="-Wl,-z,now"
AS_IF([test "$enable_sanitize" = no && test "$enable_fuzz" = no], [GH_MODULE_LDFLAGS="$GH_MODULE_LDFLAGS -Wl,-z,defs"])
AM_CONDITIONAL([HARDENING], [test "$enable_hardening" = yes])
AC_SUBST([GH_HARDEN_CFLAGS])
AC_SUBST([GH_HARDEN_LDFLAGS])
AC_SUBST([GH_PIE_LDFLAGS])
AC_SUBST([GH_MODULE_LDFLAGS])
])

# GH_ARG_TESTS: libcheck, and a python3 that has pytest and paho (the first one in PATH may be another).
AC_DEFUN([GH_ARG_TESTS], [
AC_ARG_ENABLE([tests], [AS_HELP_STRING([--disable-tests], [don't look for what only the tests need])], [], [enable_tests=yes])
AC_ARG_VAR([PYTHON], [a python3 that has pytest, paho-mqtt and yaml])
AC_CHECK_PROGS([CLANG_FORMAT], [clang-format], [clang-format])
AC_CHECK_PROGS([CPPCHECK], [cppcheck], [cppcheck])
AC_CHECK_PROGS([SHELLCHECK], [shellcheck], [shellcheck])
AC_CHECK_PROGS([MANDOC], [mandoc], [mandoc])
AS_IF([test "$enable_tests" = yes], [
	GH_PKG([CHECK], [check >= 0.15], [check])
	gh_python_has() { /usr/bin/python3 -c "import $[]1" >/dev/null 2>&1; }
	AC_CACHE_CHECK([for a python3 that has pytest, paho and yaml], [gh_cv_python], [
		gh_cv_python=none
		for gh_python in $PYTHON /usr/bin/python3 python3; do
			AS_IF([$gh_python -c 'import pytest, paho.mqtt.client, yaml' >/dev/null 2>&1],
				[gh_cv_python=$gh_python; break])
		done])
	AS_IF([test "$gh_cv_python" != none], [PYTHON=$gh_cv_python], [
		gh_python_has pytest || GH_MISSING([python3-pytest])
		gh_python_has paho.mqtt.client || GH_MISSING([python3-paho-mqtt])
		gh_python_has yaml || GH_MISSING([python3-yaml])])])
AM_CONDITIONAL([TESTS_ENABLED], [test "$enable_tests" = yes])
])

# GH_DIRS: where systemd's files go; "no" leaves them out. Below the prefix unless told otherwise, so that any user can install.
AC_DEFUN([GH_DIRS], [
GH_DIR([systemdsystemunitdir], [systemd units], [${prefix}/lib/systemd/system])
GH_DIR([sysusersdir], [systemd-sysusers files], [${prefix}/lib/sysusers.d])
GH_DIR([tmpfilesdir], [systemd-tmpfiles files], [${prefix}/lib/tmpfiles.d])
])
AC_DEFUN([GH_DIR], [
AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=DIR], [$2 @<:@$3@:>@, or no])], [], [with_$1='$3'])
AS_CASE([$with_$1], [yes], [with_$1='$3'])
AM_CONDITIONAL(m4_toupper([$1]), [test "$with_$1" != no])
$1=$with_$1
AC_SUBST([$1])
])

AC_DEFUN([GH_SUMMARY], [
AS_IF([test "$enable_shared" = yes], [gh_loadable=yes], [gh_loadable="no, linked into the daemon"])
AC_MSG_NOTICE([
Gatehouse $PACKAGE_VERSION

  prefix               $prefix
  compiler             $CC, $CFLAGS
  hardening            $enable_hardening
  sanitizers           $enable_sanitize
  fuzz targets         $enable_fuzz
  loadable modules     $gh_loadable
  password quality     $have_PWQUALITY
  tests                $enable_tests, $PYTHON

Modules:$gh_plugins
])
])
