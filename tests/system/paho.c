/* SPDX-License-Identifier: Apache-2.0 */
/* A client of libpaho-mqtt3c: subscribes to TOPIC, publishes nine messages of QoS 0, 1, 2 to it, prints what comes. */
#include <MQTTClient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 20

static void fail(const char *what, int rc)
{
	fprintf(stderr, "%s: %d\n", what, rc);
	exit(1);
}

static void connect_5(MQTTClient client)
{
	MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
	MQTTResponse response = MQTTClient_connect5(client, &options, NULL, NULL);

	if (response.reasonCode != 0)
		fail("connect", response.reasonCode);
	MQTTResponse_free(response);
}

static void connect_older(MQTTClient client, int version)
{
	MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
	int rc;

	options.MQTTVersion = version;
	rc = MQTTClient_connect(client, &options);
	if (rc != MQTTCLIENT_SUCCESS)
		fail("connect", rc);
}

static void subscribe(MQTTClient client, int version, const char *topic)
{
	int rc;

	if (version == MQTTVERSION_5) {
		MQTTResponse response = MQTTClient_subscribe5(client, topic, 2, NULL, NULL);

		rc = response.reasonCode == 2 ? 0 : response.reasonCode;
		MQTTResponse_free(response);
	} else {
		rc = MQTTClient_subscribe(client, topic, 2);
	}
	if (rc != 0)
		fail("subscribe", rc);
}

static void publish(MQTTClient client, int version, const char *topic, int n)
{
	MQTTClient_message message = MQTTClient_message_initializer;
	MQTTClient_deliveryToken token = 0;
	char text[32];
	int rc;

	message.payload = text;
	message.payloadlen = snprintf(text, sizeof(text), "message %d", n);
	message.qos = n % 3;
	if (version == MQTTVERSION_5) {
		MQTTResponse response = MQTTClient_publishMessage5(client, topic, &message, &token);

		rc = response.reasonCode;
		MQTTResponse_free(response);
	} else {
		rc = MQTTClient_publishMessage(client, topic, &message, &token);
	}
	if (rc != 0)
		fail("publish", rc);
}

static void print_next(MQTTClient client)
{
	MQTTClient_message *message = NULL;
	char *topic = NULL;
	int length, rc = MQTTClient_receive(client, &topic, &length, &message, SECONDS * 1000);

	if (!message)
		fail("receive", rc);
	printf("%s %d %.*s\n", topic, message->qos, message->payloadlen, (char *)message->payload);
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
}

int main(int argc, char **argv)
{
	MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
	MQTTClient client;
	int version = argc == 4 ? atoi(argv[2]) : 0;

	if (version < 3 || version > 5)
		fail("usage: paho URI VERSION TOPIC", argc);
	create.MQTTVersion = version;
	if (MQTTClient_createWithOptions(&client, argv[1], argv[3], MQTTCLIENT_PERSISTENCE_NONE,
					 NULL, &create) != MQTTCLIENT_SUCCESS)
		fail("create", 0);
	if (version == MQTTVERSION_5)
		connect_5(client);
	else
		connect_older(client, version);
	subscribe(client, version, argv[3]);
	for (int n = 0; n < 9; n++) {
		publish(client, version, argv[3], n);
		print_next(client);
	}
	if (version == MQTTVERSION_5)
		MQTTClient_disconnect5(client, 1000, MQTTREASONCODE_SUCCESS, NULL);
	else
		MQTTClient_disconnect(client, 1000);
	MQTTClient_destroy(&client);
	return 0;
}
