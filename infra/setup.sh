#!/usr/bin/env bash
# Makes .venv from requirements.txt and infra/constraints.txt, with Delta's jars in .venv/jars and Spark's classes in .venv/spark.jsa.
# Called by make. Needs python3 and java, nothing else; the package indexes are those that pip and Ivy are configured with.
# A stamp holds a hash of what went in, so a set-up that is current costs milliseconds; an interrupted one starts again.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python_oldest=11 # 3.11: datetime.UTC, tomllib, StrEnum
python_newest=13 # 3.13: the newest that the pinned wheels are built for
java_oldest=17   # Spark 4
jars=(delta-spark_4.2_2.13 delta-storage delta-kernel-api delta-kernel-defaults delta-kernel-unitycatalog)

log=.venv/setup.log

stop() { # one line, and the end
  echo "set-up: $*" >&2
  exit 1
}

usable() { # whether this interpreter runs, makes environments, and is neither too old nor too new
  "$1" -c "import ensurepip, sys, venv; sys.exit(not (3, $python_oldest) <= sys.version_info[:2] <= (3, $python_newest))" \
    >/dev/null 2>&1
}

find_python() {
  local name
  for name in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    usable "$name" && echo "$name" && return
  done
  return 1
}

check_java() {
  local version
  version=$("${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -1)
  [ "${version:-0}" -ge "$java_oldest" ] && return
  stop "needs Java $java_oldest or newer (found: ${version:-none}); install a JRE, for example Debian's openjdk-17-jre-headless, and put java on PATH"
}

fetch_jars() { # five jars by Ivy, which Spark carries: no Maven needed. Intransitive: pyspark has the rest already.
  local version have ivy work name
  version=$(sed -n 's/^delta-spark==//p' requirements.txt)
  have=1
  for name in "${jars[@]}"; do [ -s ".venv/jars/$name-$version.jar" ] || have=0; done
  [ "$have" = 1 ] && return
  ivy=$(echo .venv/lib/python3*/site-packages/pyspark/jars/ivy-*.jar)
  work=.venv/jars.new
  rm -rf "$work" && mkdir -p "$work"
  cat >"$work/ivysettings.xml" <<XML
<ivysettings><settings defaultResolver="central"/>
<resolvers><ibiblio name="central" m2compatible="true"/></resolvers></ivysettings>
XML
  {
    echo '<ivy-module version="2.0"><info organisation="hundredfaces" module="jars"/><dependencies>'
    for name in "${jars[@]}"; do
      echo "<dependency org=\"io.delta\" name=\"$name\" rev=\"$version\" transitive=\"false\"/>"
    done
    echo '</dependencies></ivy-module>'
  } >"$work/ivy.xml"
  "${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp "$ivy" org.apache.ivy.Main -warn \
    -settings "${IVY_SETTINGS:-$work/ivysettings.xml}" -ivy "$work/ivy.xml" -cache "$work/cache" -types jar \
    -retrieve "$work/out/[artifact]-[revision].[ext]" >>"$log" 2>&1
  for name in "${jars[@]}"; do
    [ -s "$work/out/$name-$version.jar" ] ||
      stop "could not fetch Delta's jar $name $version (log: $log); check the network or point IVY_SETTINGS at your mirror's settings, then run the same command again"
  done
  rm -rf .venv/jars && mv "$work/out" .venv/jars && rm -rf "$work" # whole or not at all
}

stamp=$(cat requirements.txt infra/constraints.txt infra/setup.sh | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c1-64)
if [ "$(cat .venv/setup.stamp 2>/dev/null)" = "$stamp" ] && [ -x .venv/bin/python ]; then
  check_java # every time: it is not part of .venv
  exit 0
fi

python=$(find_python) || {
  found=$(python3 -V 2>/dev/null | head -1)
  stop "needs Python 3.$python_oldest to 3.$python_newest with venv (found: ${found:-none}); install it, for example Debian's python3-venv, or name one with PYTHON=..."
}
check_java

started=$SECONDS
if ! { usable .venv/bin/python && .venv/bin/python -c 'import pip' >/dev/null 2>&1; }; then
  "$python" -m venv --clear .venv || stop "could not make .venv with $python; see above"
fi
rm -f .venv/setup.stamp
: >"$log"
echo "set-up: installing requirements.txt into .venv (some minutes and 8 GB the first time; log: $log)" >&2
.venv/bin/python -m pip install --disable-pip-version-check --no-input --no-compile -r requirements.txt -c infra/constraints.txt >>"$log" 2>&1 ||
  stop "pip could not install requirements.txt: $(grep -m1 '^ERROR' "$log" | cut -c1-200) (log: $log); mend that and run the same command again"
# pip would compile on one core, after all else. Templates among the files cannot be compiled, and need not be.
.venv/bin/python -m compileall -qq -j 0 .venv/lib >>"$log" 2>&1 &
fetch_jars
wait
.venv/bin/python -m infra.class_archive >>"$log" 2>&1 ||
  echo "set-up: no archive of Spark's classes (log: $log): nights work, and start Spark some seconds slower" >&2
echo "$stamp" >.venv/setup.stamp
echo "set-up: done in $((SECONDS - started)) s" >&2
