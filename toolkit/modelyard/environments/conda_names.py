"""What well-known conda packages are called in the Python index, and which have no place there."""

from __future__ import annotations

RENAMED = {
    "dask-core": "dask",
    "faiss": "faiss-cpu",
    "keras-base": "keras",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "numpy-base": "numpy",
    "opencv": "opencv-python-headless",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost-cpu",
    "py-xgboost-gpu": "xgboost",
    "pyarrow-core": "pyarrow",
    "pyqt": "pyqt5",
    "pytables": "tables",
    "python-graphviz": "graphviz",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "seaborn-base": "seaborn",
    "tensorflow-base": "tensorflow",
    "tensorflow-mkl": "tensorflow",
    "xgboost-base": "xgboost",
}
"""Packages that the Python index has under another name."""

BUNDLED = frozenset(
    {
        "_libgcc_mutex", "_openmp_mutex", "_py-xgboost-mutex", "_x86_64-microarch-level", "blas", "bzip2",
        "ca-certificates", "expat", "freetype", "icu", "jpeg", "krb5", "lcms2", "ld_impl_linux-64",
        "ld_impl_linux-aarch64", "lerc", "libblas", "libbrotlicommon", "libbrotlidec", "libbrotlienc", "libcblas",
        "libcxx", "libdeflate", "libedit", "libev", "libexpat", "libffi", "libgcc", "libgcc-ng", "libgfortran",
        "libgfortran-ng", "libgfortran5", "libgomp", "libiconv", "libjpeg-turbo", "liblapack", "libnsl",
        "libopenblas", "libpng", "libsqlite", "libstdcxx", "libstdcxx-ng", "libtiff", "libtorch", "libuuid",
        "libwebp", "libwebp-base", "libxcb", "libxcrypt", "libxgboost", "libxml2", "libzlib", "llvm-openmp", "lz4-c",
        "mkl-service", "mkl_fft", "mkl_random", "ncurses", "nomkl", "openblas", "openjpeg", "openssl", "python_abi",
        "pytorch-mutex", "readline", "sqlite", "tk", "tzdata", "xz", "zlib", "zstd",
    }
)  # fmt: skip
"""Libraries that the interpreter or the wheels bring with them: dropped, with a note."""

_CUDA = "the wheels of torch, tensorflow and onnxruntime-gpu bring the CUDA libraries with them: remove the line"
_SYSTEM = "it is not a Python package: remove the line, and name its Debian package in system_packages"
_R = "it belongs to R, which is not run here: remove the line"

UNAVAILABLE = {
    "compilers": _SYSTEM,
    "conda": "an environment without conda has no use for it: remove the line",
    "conda-build": "an environment without conda has no use for it: remove the line",
    "cuda": _CUDA,
    "cuda-toolkit": _CUDA,
    "cudatoolkit": _CUDA,
    "cudnn": _CUDA,
    "ffmpeg": _SYSTEM,
    "gcc": _SYSTEM,
    "gcc_linux-64": _SYSTEM,
    "gdal": "its wheels are not in the Python index: use rasterio or fiona, which bring it, or a system package",
    "gfortran": _SYSTEM,
    "git": _SYSTEM,
    "graphviz": _SYSTEM + " (its Python interface is called python-graphviz in conda)",
    "gxx": _SYSTEM,
    "gxx_linux-64": _SYSTEM,
    "java-jdk": _SYSTEM,
    "make": _SYSTEM,
    "nccl": _CUDA,
    "nodejs": _SYSTEM,
    "openjdk": _SYSTEM,
    "openmpi": _SYSTEM,
    "postgresql": _SYSTEM,
    "pytorch-cuda": _CUDA,
    "r-base": _R,
    "unixodbc": _SYSTEM,
    "wget": _SYSTEM,
}
"""Packages that pip cannot provide, each with the reason and what to do."""

UNAVAILABLE_PREFIXES = {"r-": _R, "cuda-": _CUDA, "libcu": _CUDA, "libnv": _CUDA, "xorg-": _SYSTEM, "gst-": _SYSTEM}
"""Families of such packages, by how their names begin."""
