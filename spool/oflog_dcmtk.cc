/*
 * DCMTK's log: its warnings and errors become lines of ours.
 *
 * Errors: none; oflog may throw.
 */
#include <dcmtk/config/osconfig.h>
#include <dcmtk/oflog/oflog.h>
#include <dcmtk/oflog/appender.h>
#include <dcmtk/oflog/spi/logevent.h>

#include "c_headers_dcmtk.h"
#include "oflog_dcmtk.h"

namespace log4 = dcmtk::log4cplus;

class OurAppender : public log4::Appender
{
      public:
	~OurAppender() override
	{
		destructorImpl();
	}

	void
	close() override
	{
		closed = true;
	}

      protected:
	void
	append(const log4::spi::InternalLoggingEvent &event) override
	{
		const struct log_field fields[] = {
		    {LOG_TYPE_STR, "module", event.getLoggerName().c_str(), 0},
		    {LOG_TYPE_STR, "text", event.getMessage().c_str(), 0},
		    {LOG_TYPE_END, nullptr, nullptr, 0}};

		log_event(event.getLogLevel() >= log4::ERROR_LOG_LEVEL
			      ? LOG_LEVEL_ERROR
			      : LOG_LEVEL_WARNING,
		    "dcmtk", fields);
	}
};

void
oflog_redirect()
{
	/* Without this first, oflog configures itself for the console. */
	OFLog::configure(OFLogger::WARN_LOG_LEVEL);

	log4::Logger root = log4::Logger::getRoot();
	root.removeAllAppenders();
	root.addAppender(log4::SharedAppenderPtr(new OurAppender()));
	root.setLogLevel(log4::WARN_LOG_LEVEL);
}
