"""The Open Inference Protocol over gRPC, at a port of its own; nothing else imports grpc or protobuf."""
