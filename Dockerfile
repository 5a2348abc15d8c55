# The app, a Dask scheduler or a worker, as a user without rights: see docs/docker.md.
FROM python:3.12-slim
# Wheels for the CPU are a tenth of those for CUDA; for GPUs: --build-arg TORCH=https://pypi.org/simple
ARG TORCH=https://download.pytorch.org/whl/cpu
RUN useradd --create-home lab
WORKDIR /home/lab/xfactor
COPY requirements.txt .
RUN pip install --no-cache-dir --extra-index-url "$TORCH" -r requirements.txt
COPY --chown=lab:lab . .
RUN mkdir -p cache data && chown lab:lab cache data
USER lab
ENV OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1
EXPOSE 8501
# In the container every address; what is published to whom, the one who starts it decides.
CMD ["streamlit", "run", "app.py", "--server.headless", "true", "--server.address", "0.0.0.0"]
