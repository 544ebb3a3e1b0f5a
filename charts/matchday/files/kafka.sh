# Makes the broker's data folder where there is none, then becomes the broker. Needs Kafka's jars in CLASSPATH, and java.
# The settings of both loggers are given: Kafka's own images have Log4j.
set -- -Djava.io.tmpdir=/var/lib/kafka-scratch -Dlog4j2.configurationFile=/etc/kafka/log4j2.properties \
  -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError
java "$@" -Xmx64m kafka.tools.StorageTool format --ignore-formatted --cluster-id "$CLUSTER_ID" \
  --config /etc/kafka/server.properties
exec java "$@" -XX:MaxRAMPercentage=50 kafka.Kafka /etc/kafka/server.properties
