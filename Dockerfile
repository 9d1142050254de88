# wsrnas on the CPU. `docker build -t wsrnas .`, then
#   docker run --rm -v "$PWD/runs:/work/runs" wsrnas                  the first search of the README, about two minutes
#   docker run --rm -v "$PWD:/work" wsrnas evaluate runs/b            any other command
# PyTorch without CUDA is far smaller: --build-arg PIP_EXTRA_INDEX_URL=… takes the address its makers give for it.
FROM python:3.12-slim
ARG PIP_EXTRA_INDEX_URL
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir . && useradd --create-home --uid 1000 wsrnas && mkdir -p /work/runs && chown -R wsrnas /work
USER wsrnas
WORKDIR /work
ENTRYPOINT ["wsrnas"]
CMD ["search", "--recipe", "digits-alone"]
